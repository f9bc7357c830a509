import Composition
import ECLMCore
import Testing

@Suite("Composition explains what is short")
struct CompositionInfeasibilityTests {
    private let solver = CompositionSolver()

    @Test("Memory alone is short: by how much, in words and figures")
    func memoryIsShort() throws {
        let mebibyte: Int64 = 1 << 20
        let problem = try CompositionProblem(
            layerCount: 2,
            candidates: [
                .init(layer: 0, importance: 1, memory: 2 * mebibyte, flops: 1, fetchBytes: 1),
                .init(layer: 1, importance: 1, memory: 3 * mebibyte, flops: 1, fetchBytes: 1),
                .init(layer: 1, importance: 1, memory: 2 * mebibyte, flops: 1, fetchBytes: 1),
            ], budget: Budget(memory: 3_984_589, flops: 10), fixed: ResourceAmounts(memory: mebibyte))
        let report = try #require(solver.solve(problem).infeasibility)
        #expect(
            report.message == "memory is short by 1.2 MiB: the smallest sub-model needs 5.0 MiB, the budget is 3.8 MiB")
        #expect(report.shortfalls.map(\.resource) == [.memory])
        #expect(report.shortfalls.first?.needed == 5 * mebibyte)
        #expect(report.smallestBudget == Budget(memory: 5 * mebibyte, flops: 10))
        #expect(report.emptyLayers.isEmpty && report.isExact)
    }

    @Test("A byte too little is told to the byte")
    func aByteIsShort() throws {
        let problem = try CompositionProblem(
            layerCount: 1, candidates: [.init(layer: 0, importance: 1, memory: 5 << 20, flops: 0, fetchBytes: 0)],
            budget: Budget(memory: 5 << 20 - 1))
        let report = try #require(
            solver.solve(try problem.with(budget: Budget(memory: (5 << 20) - 1))).infeasibility)
        #expect(
            report.message
                == "memory is short by 1 B: the smallest sub-model needs 5242880 bytes, the budget is 5242879 bytes")
    }

    @Test("Layers without a candidate are named; no budget helps them")
    func layersAreEmpty() throws {
        let problem = try CompositionProblem(
            layerCount: 3, candidates: [.init(layer: 1, importance: 1, memory: 1, flops: 1, fetchBytes: 1)],
            budget: Budget())
        let report = try #require(solver.solve(problem).infeasibility)
        #expect(report.emptyLayers == [0, 2])
        #expect(report.shortfalls.isEmpty && report.smallestBudget == nil)
        #expect(report.message.contains("layers 0, 2 have no candidate left"))
    }

    @Test("Two resources that only conflict together: raising either one is offered")
    func resourcesConflict() throws {
        // Small or fast, not both: each resource would do alone.
        let problem = try CompositionProblem(
            layerCount: 1,
            candidates: [
                .init(layer: 0, importance: 1, memory: 100, flops: 10, fetchBytes: 0),
                .init(layer: 0, importance: 1, memory: 10, flops: 100, fetchBytes: 0),
            ], budget: Budget(memory: 50, flops: 40))
        let report = try #require(solver.solve(problem).infeasibility)
        #expect(
            report.shortfalls == [
                .init(resource: .memory, budget: 50, needed: 100, repairsAlone: true),
                .init(resource: .flops, budget: 40, needed: 100, repairsAlone: true),
            ])
        #expect(report.smallestBudget == Budget(memory: 100, flops: 40))
        #expect(report.message.contains("; or "))
    }

    @Test("Shared parts above the budget are a shortfall like any other")
    func sharedPartsAreTooLarge() throws {
        let problem = try CompositionProblem(
            layerCount: 1, candidates: [.init(layer: 0, importance: 1, memory: 5, flops: 5, fetchBytes: 5)],
            budget: Budget(memory: 10, flops: 3), fixed: ResourceAmounts(memory: 20))
        let report = try #require(solver.solve(problem).infeasibility)
        #expect(report.smallestBudget == Budget(memory: 25, flops: 5))
        #expect(report.shortfalls.map(\.missing) == [15, 2])
        #expect(report.shortfalls.allSatisfy { !$0.repairsAlone })
    }

    @Test("The smallest budget does, and one less of whatever it raises does not", arguments: [1, 2])
    func smallestBudgetIsTight(minimum: Int) throws {
        var generator = SplitMix64(seed: 31 + UInt64(minimum))
        var reports = 0
        for number in 0..<240 {
            let problem = try CompositionInstance(
                kind: CompositionInstance.Kind.allCases[number % 6], layerCount: .random(in: 1...5, using: &generator),
                modulesPerLayer: .random(in: minimum...8, using: &generator), minimum: minimum,
                tightness: [0.05, 0.1, 0.2, 0.3][number % 4], resources: 1 + number % 3, using: &generator
            ).problem()
            guard let report = solver.solve(problem).infeasibility else { continue }
            reports += 1
            let budget = try #require(report.smallestBudget)
            #expect(report.isExact && !report.shortfalls.isEmpty && !report.message.isEmpty)
            #expect(solver.solve(try problem.with(budget: budget)).solution != nil)
            for resource in Resource.allCases where budget[resource] != problem.budget[resource] {
                var less = budget
                less[resource] = budget[resource].map { $0 - 1 }
                #expect(solver.solve(try problem.with(budget: less)).infeasibility != nil)
            }
            for shortfall in report.shortfalls {
                #expect(shortfall.missing > 0)
                guard shortfall.repairsAlone else { continue }
                var raised = problem.budget
                raised[shortfall.resource] = shortfall.needed
                #expect(solver.solve(try problem.with(budget: raised)).solution != nil)
                raised[shortfall.resource] = shortfall.needed - 1
                #expect(solver.solve(try problem.with(budget: raised)).infeasibility != nil)
            }
        }
        #expect(reports > 60)
    }

    @Test("The needed amount is the least over every choice tried by hand")
    func neededMatchesEnumeration() throws {
        var generator = SplitMix64(seed: 8)
        var compared = 0
        for number in 0..<120 {
            let problem = try CompositionInstance(
                kind: CompositionInstance.Kind.allCases[number % 6], layerCount: 2, modulesPerLayer: 4,
                minimum: 1 + number % 2, tightness: 0.15, resources: 2 + number % 2, using: &generator
            ).problem()
            guard let report = solver.solve(problem).infeasibility else { continue }
            for resource in Resource.allCases where problem.budget[resource] != nil {
                var lifted = problem.budget
                lifted[resource] = nil
                let relaxed = try problem.with(budget: lifted)
                let least = (0..<(1 << problem.candidates.count)).compactMap { mask -> Int64? in
                    let chosen = problem.candidates.indices.filter { mask >> $0 & 1 == 1 }
                    guard relaxed.admits(chosen) else { return nil }
                    return chosen.reduce(problem.fixed[resource]) { $0 + problem.candidates[$1].costs[resource] }
                }.min()
                let shortfall = report.shortfalls.first { $0.resource == resource && $0.repairsAlone }
                #expect(shortfall?.needed == least)
                compared += 1
            }
        }
        #expect(compared > 60)
    }
}
