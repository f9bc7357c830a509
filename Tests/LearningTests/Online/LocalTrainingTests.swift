import Foundation
import Testing

@testable import Learning

@Suite("Local training")
struct LocalTrainingTests {
    private let specification = SmallNetworks.dense

    private func settings(rate: Float = 0.02, epochs: Int = 10, heldOut: Double = 0.25) -> LocalTrainingSettings {
        LocalTrainingSettings(
            training: TrainingSettings(epochs: epochs, batch: 8, rate: rate, freezesSelector: true),
            heldOutShare: heldOut)
    }

    @Test("learns from local data, measured on examples it did not learn from, and leaves the selector as it is")
    func learns() throws {
        let network = try ModularNetwork(specification, seed: 3)
        let selector = try network.selector.tensors()
        let data = try SmallNetworks.examples(specification, count: 120)
        var steps: [Int] = []
        let result = try LocalTraining.train(network, on: data, settings: settings(), seed: 1) { step, total, _ in
            steps.append(step)
            #expect(total == 120)
        }
        let before = try #require(result.before)
        let after = try #require(result.after)
        #expect(after.accuracy > before.accuracy)
        #expect(after.loss < before.loss)
        #expect(result.trainedExamples == 90)
        #expect(result.heldOutExamples == 30)
        #expect(steps == Array(1...120))
        #expect(result.warnings.isEmpty)
        #expect(try network.selector.tensors() == selector)
        #expect(!LocalTraining.trainedSlots(of: network, settings: settings()).contains(.selector))
    }

    @Test("gives equal weights for equal seeds")
    func isDeterministic() throws {
        let data = try SmallNetworks.examples(specification, count: 40)
        func train(seed: UInt64) throws -> ModuleTensors {
            let network = try ModularNetwork(specification, seed: 3)
            _ = try LocalTraining.train(network, on: data, settings: settings(epochs: 2), seed: seed)
            return try network.tensors(of: .stem)
        }
        #expect(try train(seed: 1) == train(seed: 1))
        #expect(try train(seed: 1) != train(seed: 2))
    }

    @Test("takes a single class with a warning")
    func oneClass() throws {
        let network = try ModularNetwork(specification, seed: 3)
        let all = try SmallNetworks.examples(specification, count: 90)
        let one = try all.subset(all.labels.indices.filter { all.labels[$0] == 2 })
        let result = try LocalTraining.train(network, on: one, settings: settings(), seed: 1)
        #expect(result.warnings == [.oneClass(label: 2)])
        #expect(try #require(result.after).accuracy == 1)
    }

    @Test("trains on a single example, though nothing can be measured then")
    func oneExample() throws {
        let network = try ModularNetwork(specification, seed: 3)
        let data = try SmallNetworks.examples(specification, count: 90).subset([4])
        let result = try LocalTraining.train(network, on: data, settings: settings(), seed: 1)
        #expect(result.after == nil)
        #expect(result.warnings.contains(.nothingHeldOut(examples: 1)))
    }

    @Test("says that a run diverged, whether its numbers are still finite or not", arguments: [1e30, 3e3] as [Float])
    func diverges(rate: Float) throws {
        let network = try ModularNetwork(specification, seed: 3)
        let data = try SmallNetworks.examples(specification, count: 60)
        let error = #expect(throws: LearningError.self) {
            try LocalTraining.train(network, on: data, settings: settings(rate: rate), seed: 1)
        }
        #expect(error?.code == .diverged)
    }

    @Test("refuses data that does not fit, naming what is wrong")
    func badData() throws {
        let network = try ModularNetwork(specification, seed: 3)
        func message(_ data: TrainingData) throws -> String {
            let error = #expect(throws: LearningError.self) {
                try LocalTraining.train(network, on: data, settings: settings(), seed: 1)
            }
            #expect(error?.code == .data)
            return error?.message ?? ""
        }
        let missing = try TrainingData(shape: [5], values: [Float](repeating: 0, count: 10), labels: [0, 1])
        #expect(try message(missing).contains("[5]"))
        let label = try TrainingData(shape: [6], values: [Float](repeating: 0, count: 12), labels: [0, 3])
        #expect(try message(label).contains("label 3"))
        let nan = try TrainingData(shape: [6], values: [Float](repeating: .nan, count: 6), labels: [0])
        #expect(try message(nan).contains("finite"))
        #expect(try message(TrainingData(shape: [6], values: [], labels: [])).contains("no examples"))
    }

    @Test("holds out the newest examples of each class, and keeps one of each to learn from")
    func split() throws {
        let split = try HeldOutSplit(labels: [0, 1, 0, 1, 0, 0, 2], share: 0.5)
        #expect(split.training == [0, 1, 2, 6])
        #expect(split.heldOut == [3, 4, 5])
        #expect(try HeldOutSplit(labels: [0, 0], share: 0).heldOut.isEmpty)
        #expect(throws: LearningError.self) { try HeldOutSplit(labels: [0, 0], share: 1) }
    }
}

@Suite("Importance scoring")
struct ImportanceScoringTests {
    @Test("is the mean gate of every module, with the selector alone")
    func meanGates() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        try SmallNetworks.moved(network, seed: 5)
        let data = try SmallNetworks.examples(SmallNetworks.dense, count: 300)
        // As a device holds it: rebuilt from its file.
        let selector = try Selector(
            SmallNetworks.dense, tensors: ModuleTensors(safetensors: network.tensors(of: .selector).safetensors()))
        let importances = try ImportanceScoring.importances(of: data, by: selector)
        #expect(importances.map(\.count) == [5, 4])
        for (layer, gates) in try network.selector.gates(data.batch(0..<300), topK: 5).enumerated() {
            let values = try gates.mean(dimensions: [0]).scalars()
            for (one, other) in zip(importances[layer], values) { #expect(abs(one - Double(other)) < 1e-5) }
            #expect(abs(importances[layer].reduce(0, +) - 1) < 1e-5)
        }
        // The whole network's own top k leaves out modules that the graded order still ranks.
        let kept = try ImportanceScoring.scores(of: data, by: selector, topK: 1)
        #expect(kept.gates.count { $0 > 0 } == 600)
    }

    @Test("refuses a selector whose weights are damaged")
    func damaged() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        var tensors = try network.tensors(of: .selector)
        for entry in tensors.entries.indices {
            tensors.entries[entry].values = tensors.entries[entry].values.map { _ in .nan }
        }
        let selector = try Selector(SmallNetworks.dense, tensors: tensors)
        let data = try SmallNetworks.examples(SmallNetworks.dense, count: 10)
        #expect(throws: LearningError.self) { try ImportanceScoring.importances(of: data, by: selector) }
    }
}
