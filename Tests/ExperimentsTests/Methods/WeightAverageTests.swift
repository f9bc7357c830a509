import ECLMCore
import Learning
import Testing

@testable import Experiments

@Suite("The mean of what devices trained")
struct WeightAverageTests {
    private let first = ModuleSlot(kind: .expert, layer: 0, index: 0)
    private let second = ModuleSlot(kind: .expert, layer: 0, index: 1)

    private func weights(_ parts: [ModuleSlot: [Float]]) -> NetworkWeights {
        NetworkWeights(
            modules: [], tensors: parts.mapValues { ModuleTensors([.init(name: "w", shape: [$0.count], values: $0)]) })
    }

    private func values(_ weights: NetworkWeights, _ slot: ModuleSlot) throws -> [Float] {
        try weights.part(slot).entries[0].values
    }

    @Test("is FedAvg's, weighted by sample counts")
    func averagesBySamples() throws {
        var average = WeightAverage()
        try average.add(weights([first: [1, 2]]), weight: 10)
        try average.add(weights([first: [3, 6]]), weight: 30)
        // (10 · 1 + 30 · 3) / 40 and (10 · 2 + 30 · 6) / 40.
        #expect(try values(average.mean(over: weights([first: [0, 0]])), first) == [2.5, 5])
    }

    @Test("is HeteroFL's: each part over the devices that hold it, as its equation 3 says")
    func averagesNestedSlices() throws {
        // A global net of two modules: one device holds both, two hold the first alone.
        let base = weights([first: [0, 0], second: [7, 7], .stem: [1]])
        var average = WeightAverage()
        try average.add(weights([first: [2, 4], second: [10, 20], .stem: [3]]), weight: 1)
        try average.add(weights([first: [6, 0], .stem: [5]]), weight: 1)
        try average.add(weights([first: [1, 2], .stem: [4]]), weight: 1)
        let mean = try average.mean(over: base)
        #expect(try values(mean, first) == [3, 2])
        #expect(try values(mean, second) == [10, 20])
        #expect(try values(mean, .stem) == [4])
    }

    @Test("counts only the head's rows of classes that a device has, and keeps rows that nobody has")
    func masksHeadRows() throws {
        func head(_ weight: [Float], _ bias: [Float]) -> NetworkWeights {
            NetworkWeights(
                modules: [],
                tensors: [
                    .head: ModuleTensors([
                        .init(name: "weight", shape: [3, 2], values: weight),
                        .init(name: "bias", shape: [3], values: bias),
                    ])
                ])
        }
        var average = WeightAverage()
        try average.add(head([1, 1, 2, 2, 3, 3], [1, 2, 3]), weight: 1, headRows: [true, true, false])
        try average.add(head([5, 7, 9, 9, 9, 9], [3, 9, 9]), weight: 1, headRows: [true, false, false])
        let mean = try average.mean(over: head([0, 0, 0, 0, -1, -1], [0, 0, -1]))
        #expect(try mean.part(.head).entries[0].values == [3, 4, 2, 2, -1, -1])
        #expect(try mean.part(.head).entries[1].values == [2, 2, -1])
    }

    @Test("leaves what nobody trained as it is, and never takes the selector")
    func keepsTheRest() throws {
        var average = WeightAverage()
        try average.add(weights([.selector: [9], first: [2]]), weight: 1)
        let mean = try average.mean(over: weights([.selector: [1], first: [0], second: [4]]))
        #expect(try values(mean, .selector) == [1])
        #expect(try values(mean, first) == [2])
        #expect(try values(mean, second) == [4])
    }

    @Test("refuses parts of different shapes")
    func refusesShapes() throws {
        var average = WeightAverage()
        try average.add(weights([first: [1, 2]]), weight: 1)
        #expect(throws: ExperimentError.self) { try average.add(weights([first: [1, 2, 3]]), weight: 1) }
    }
}
