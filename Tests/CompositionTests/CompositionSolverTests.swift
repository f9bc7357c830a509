import Composition
import ECLMCore
import Testing

@Suite("Composition finds the best sub-model")
struct CompositionSolverTests {
    private let solver = CompositionSolver()

    @Test("Every choice tried by hand gives no better one", arguments: [1, 2])
    func matchesEnumeration(minimum: Int) throws {
        var generator = SplitMix64(seed: UInt64(minimum))
        for number in 0..<150 {
            let instance = CompositionInstance(
                kind: CompositionInstance.Kind.allCases[number % 6], layerCount: 3, modulesPerLayer: 3,
                minimum: minimum,
                tightness: [0.3, 0.5, 0.8][number % 3], resources: 1 + number % 3, using: &generator)
            let problem = try instance.problem()
            let outcome = solver.solve(problem)
            guard let best = problem.bestByEnumeration() else {
                #expect(outcome.infeasibility != nil)
                continue
            }
            let solution = try #require(outcome.solution)
            #expect(abs(solution.objective - best) <= 1e-9 * max(1, best))
            #expect(problem.admits(solution.chosen))
        }
    }

    @Test("Without limits every module of any importance is chosen, and no other")
    func takesEverythingUseful() throws {
        let problem = try CompositionProblem(
            layerCount: 2,
            candidates: [
                .init(layer: 0, importance: 0.5, memory: 10, flops: 10, fetchBytes: 10),
                .init(layer: 0, importance: 0, memory: 10, flops: 10, fetchBytes: 10),
                .init(layer: 1, importance: 0, memory: 9, flops: 9, fetchBytes: 9),
                .init(layer: 1, importance: 0, memory: 3, flops: 3, fetchBytes: 3),
            ], budget: Budget(), fixed: ResourceAmounts(memory: 1, flops: 2, fetchBytes: 3))
        let solution = try #require(solver.solve(problem).solution)
        #expect(solution.chosen == [0, 3])
        #expect(solution.totals == ResourceAmounts(memory: 14, flops: 15, fetchBytes: 16))
        #expect(solution.nodes == 0 && solution.isOptimal && solution.binding.isEmpty)
    }

    @Test("The shared parts come off the budget, to the last byte")
    func chargesSharedParts() throws {
        let candidates = [
            CompositionProblem.Candidate(layer: 0, importance: 0.6, memory: 600, flops: 0, fetchBytes: 0),
            CompositionProblem.Candidate(layer: 0, importance: 0.5, memory: 400, flops: 0, fetchBytes: 0),
        ]
        func chosen(_ memory: Int64) throws -> [Int] {
            let problem = try CompositionProblem(
                layerCount: 1, candidates: candidates, budget: Budget(memory: memory),
                fixed: ResourceAmounts(memory: 100))
            return solver.solve(problem).solution?.chosen ?? []
        }
        #expect(try chosen(1100) == [0, 1])
        #expect(try chosen(1099) == [0])
        #expect(try chosen(699) == [1])
        #expect(try chosen(499) == [])
    }

    @Test("A module that the device holds is taken where the download allows no other")
    func prefersHeldModules() throws {
        let problem = try CompositionProblem(
            layerCount: 1,
            candidates: [
                .init(layer: 0, importance: 0.9, memory: 10, flops: 1, fetchBytes: 10),
                .init(layer: 0, importance: 0.2, memory: 10, flops: 1, fetchBytes: 0),
            ], budget: Budget(memory: 20, fetchBytes: 9))
        let solution = try #require(solver.solve(problem).solution)
        #expect(solution.chosen == [1])
        #expect(solution.totals.fetchBytes == 0)
    }

    @Test("The resource that stands in the way is named")
    func namesBindingResources() throws {
        var generator = SplitMix64(seed: 5)
        var instance = CompositionInstance(
            kind: .uncorrelated, layerCount: 4, modulesPerLayer: 8, tightness: 0.5, resources: 1, using: &generator)
        let total = instance.costs.reduce(0) { $0 + $1.flops }
        instance.budget = Budget(memory: 1_000_000, flops: total / 2)
        let solution = try #require(solver.solve(instance.problem()).solution)
        #expect(solution.binding == [.flops])
    }

    @Test("Between equals the smallest sub-model wins, then the lower index")
    func breaksTiesBySize() throws {
        let problem = try CompositionProblem(
            layerCount: 2,
            candidates: [
                .init(layer: 0, importance: 0, memory: 8, flops: 5, fetchBytes: 5),
                .init(layer: 0, importance: 0, memory: 4, flops: 5, fetchBytes: 5),
                .init(layer: 0, importance: 0, memory: 4, flops: 5, fetchBytes: 5),
                .init(layer: 1, importance: 0.5, memory: 7, flops: 5, fetchBytes: 5),
                .init(layer: 1, importance: 0.5, memory: 6, flops: 5, fetchBytes: 5),
            ], budget: Budget(memory: 11))
        #expect(solver.solve(problem).solution?.chosen == [1, 4])
    }

    @Test("The same problem has the same answer, always")
    func isDeterministic() throws {
        var generator = SplitMix64(seed: 77)
        for kind in CompositionInstance.Kind.allCases {
            let problem = try CompositionInstance(
                kind: kind, layerCount: 4, modulesPerLayer: 8, tightness: 0.4, resources: 3, using: &generator
            ).problem()
            let first = solver.solve(problem)
            for _ in 0..<3 { #expect(solver.solve(problem) == first) }
        }
    }

    @Test("A larger budget never gives a less important sub-model")
    func isMonotoneInTheBudget() throws {
        var generator = SplitMix64(seed: 99)
        for kind in CompositionInstance.Kind.allCases {
            let problem = try CompositionInstance(
                kind: kind, layerCount: 4, modulesPerLayer: 8, tightness: 0.25, resources: 3, using: &generator
            ).problem()
            for resource in Resource.allCases {
                var budget = problem.budget
                var previous = -1.0
                for _ in 0..<5 {
                    let objective = solver.solve(try problem.with(budget: budget)).solution?.objective ?? -1
                    #expect(objective >= previous - 1e-9 * max(1, previous))
                    previous = objective
                    budget[resource] = (budget[resource] ?? 0) * 6 / 5 + 1
                }
            }
        }
    }

    @Test("A catalogue at the size limit is solved or cut, with an honest bound")
    func takesTheLargestCatalogue() throws {
        var generator = SplitMix64(seed: 4)
        let problem = try CompositionInstance(
            kind: .uncorrelated, layerCount: 256, modulesPerLayer: 16, tightness: 0.2, resources: 3, using: &generator
        ).problem()
        let solution = try #require(CompositionSolver(limits: .init(nodes: 20)).solve(problem).solution)
        #expect(problem.admits(solution.chosen))
        #expect(solution.bound >= solution.objective && solution.gap < 0.01)
    }
}

@Suite("Composition keeps its limits")
struct CompositionLimitsTests {
    private func hardProblem(seed: UInt64) throws -> CompositionProblem {
        var generator = SplitMix64(seed: seed)
        return try CompositionInstance(
            kind: .correlated, layerCount: 4, modulesPerLayer: 10, tightness: 0.5, resources: 3, using: &generator
        ).problem()
    }

    @Test("A node limit gives a feasible sub-model with a gap, and a bound above the true optimum")
    func nodeLimitIsHonest() throws {
        var cuts = 0
        for seed in 0..<10 as Range<UInt64> {
            let problem = try hardProblem(seed: seed)
            let optimum = try #require(CompositionSolver().solve(problem).solution)
            for nodes in [1, 3, 10] {
                guard case .feasible(let cut) = CompositionSolver(limits: .init(nodes: nodes)).solve(problem) else {
                    continue
                }
                #expect(cut.nodes <= nodes)
                #expect(cut.bound >= optimum.objective && cut.objective <= optimum.objective)
                #expect(problem.admits(cut.chosen))
                #expect(cut.isOptimal == (cut.gap == 0))
                if !cut.isOptimal { cuts += 1 }
            }
        }
        #expect(cuts > 10)
    }

    @Test("A time limit of nothing still answers at once")
    func timeLimitCuts() throws {
        let problem = try hardProblem(seed: 3)
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = CompositionSolver(limits: .init(time: .zero)).solve(problem)
        #expect(clock.now - start < .seconds(1))
        if let solution = outcome.solution { #expect(problem.admits(solution.chosen)) }
    }
}
