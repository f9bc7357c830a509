import ECLMCore
import Foundation
import Learning
import Testing

@Suite("Ability enhancing")
struct AbilityTests {
    private func map(_ rows: Int, _ columns: Int, seed: UInt64) -> AbilityMap {
        var generator = SplitMix64(seed: seed)
        return AbilityMap(
            layer: "a",
            gates: (0..<rows).map { _ in
                let row = (0..<columns).map { _ in exp(2 * generator.normal()) }
                return row.map { $0 / row.reduce(0, +) }
            })
    }

    @Test("masks within both bounds, and every sub-task has a module", arguments: 1..<6 as Range<UInt64>)
    func bounds(_ seed: UInt64) throws {
        let map = map(10, 17, seed: seed)
        let mask = try AbilityMask.solve(map, modules: 16, load: 1.5, perSubTask: 2, limits: .init())
        #expect(mask.isOptimal)
        for (row, target) in zip(mask.mask, mask.target) {
            #expect((1...2).contains(row.filter { $0 }.count))
            #expect(abs(target.reduce(0, +) - 1) < 1e-12)
            #expect(zip(row, target).allSatisfy { $0 == ($1 > 0) })
        }
        for module in 0..<16 {
            var load = 0.0
            for row in 0..<10 where mask.mask[row][module] { load += map.gates[row][module] }
            #expect(load <= mask.moduleLoad + 1e-6)
        }
    }

    @Test("raises a module's load where not every sub-task could have a module")
    func relaxed() throws {
        // All sub-tasks want the one module there is.
        let map = AbilityMap(layer: "a", gates: [[1], [1], [1], [1]])
        let mask = try AbilityMask.solve(map, modules: 1, load: 0.5, perSubTask: 2, limits: .init())
        #expect(mask.target == [[1], [1], [1], [1]])
        #expect(mask.moduleLoad >= 4)
    }

    @Test("takes a sub-task without any gate for one without preference")
    func silent() throws {
        let map = AbilityMap(layer: "a", gates: [[0, 0, 0, 1], [0.5, 0.5, 0, 0]])
        let mask = try AbilityMask.solve(map, modules: 3, load: 3, perSubTask: 1, limits: .init())
        #expect(mask.target.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-12 })
    }

    @Test("diverges by nothing where the gates are the target, and by the definition elsewhere")
    func divergence() throws {
        let mask = try AbilityMask.solve(
            AbilityMap(layer: "a", gates: [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]), modules: 3, load: 3, perSubTask: 2,
            limits: .init())
        let loss = try AbilityLoss([mask])
        let target = mask.target
        func scores(_ rows: [[Double]]) throws -> Tensor {
            // The residual module's score, the last, must not matter.
            try Tensor(rows.flatMap { row in row.map { Float($0) } + [5] }, shape: [rows.count, 4])
        }
        let same = try loss(scores: [scores(target.map { $0.map { $0 > 0 ? log($0) : -30 } })], subTasks: [0, 1]).item()
        #expect(abs(same) < 1e-5)
        let flat = try loss(scores: [scores([[0, 0, 0], [0, 0, 0], [0, 0, 0]])], subTasks: [0, 1, 1]).item()
        func entropy(_ row: [Double]) -> Double { row.filter { $0 > 0 }.map { $0 * log($0) }.reduce(0, +) }
        let expected = log(3.0) + (entropy(target[0]) + 2 * entropy(target[1])) / 3
        #expect(abs(Double(flat) - expected) < 1e-5)
    }
}
