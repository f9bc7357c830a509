import ECLMCore

/// Makes a sub-model smaller without changing its importance.
struct SmallestEquivalent {
    private let problem: CompositionProblem
    /// What a unit of each resource weighs when two modules are compared: a part of the budget, or of the dearest
    /// module.
    private let weights: Vector3

    init(_ problem: CompositionProblem) {
        self.problem = problem
        var dearest = ResourceAmounts.zero
        for candidate in problem.candidates {
            for resource in Resource.allCases {
                dearest[resource] = max(dearest[resource], candidate.costs[resource])
            }
        }
        func weight(_ resource: Resource) -> Double {
            1 / Double(max(1, problem.budget[resource] ?? dearest[resource], dearest[resource]))
        }
        weights = Vector3(weight(.memory), weight(.flops), weight(.fetchBytes))
    }

    private func size(_ index: Int) -> Double {
        let candidate = problem.candidates[index]
        return weights.dot(Vector3(Double(candidate.memory), Double(candidate.flops), Double(candidate.fetchBytes)))
    }

    /// Smaller modules first, then lower indices.
    func precedes(_ first: Int, _ second: Int) -> Bool {
        let (a, b) = (size(first), size(second))
        return a != b ? a < b : first < second
    }

    /// Drops modules of no importance beyond the minimum, largest first, and exchanges modules for equally important
    /// ones of the same layer that cost no more of anything.
    func reduce(_ chosen: [Int]) -> [Int] {
        var isChosen = [Bool](repeating: false, count: problem.candidates.count)
        var counts = [Int](repeating: 0, count: problem.layerCount)
        for index in chosen {
            isChosen[index] = true
            counts[problem.candidates[index].layer] += 1
        }
        let worthless = chosen.filter { problem.candidates[$0].importance == 0 }
        for index in worthless.sorted(by: { precedes($1, $0) }) {
            let layer = problem.candidates[index].layer
            guard counts[layer] > problem.minimumPerLayer else { continue }
            isChosen[index] = false
            counts[layer] -= 1
        }
        exchange(&isChosen)
        return problem.candidates.indices.filter { isChosen[$0] }
    }

    private func exchange(_ isChosen: inout [Bool]) {
        // Runs of one layer and one importance, smallest first.
        let candidates = problem.candidates
        let ordered = candidates.indices.sorted { first, second in
            let (a, b) = (candidates[first], candidates[second])
            if a.layer != b.layer { return a.layer < b.layer }
            return a.importance != b.importance ? a.importance < b.importance : precedes(first, second)
        }
        var start = 0
        for end in 1...max(1, ordered.count) {
            if end < ordered.count, candidates[ordered[end]].layer == candidates[ordered[start]].layer,
                candidates[ordered[end]].importance == candidates[ordered[start]].importance
            {
                continue
            }
            if end - start > 1 { exchange(ordered[start..<end], &isChosen) }
            start = end
        }
    }

    private func exchange(_ run: ArraySlice<Int>, _ isChosen: inout [Bool]) {
        for position in run.indices.reversed() where isChosen[run[position]] {
            let costs = problem.candidates[run[position]].costs
            let replacement = run[run.startIndex..<position].first {
                !isChosen[$0] && problem.candidates[$0].costs.fits(in: costs)
            }
            if let replacement {
                isChosen[run[position]] = false
                isChosen[replacement] = true
            }
        }
    }
}
