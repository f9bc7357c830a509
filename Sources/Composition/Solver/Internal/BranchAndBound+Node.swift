import ECLMCore

extension BranchAndBound {
    struct Branch {
        var item: Int
        /// The value to try first, and bounds on either side.
        var value: Bool
        var bound: Double
        var otherBound: Double
    }

    enum Evaluation {
        /// Nothing better than the incumbent is left below the node.
        case closed
        case branch(Branch)
    }

    /// Bounds the node, fixes what can be fixed, looks for a better incumbent, and picks a branch.
    mutating func evaluate() -> Evaluation {
        var isRoot = nodes == 1
        while true {
            guard tighten() else { return .closed }
            isDisturbed = false
            let status = relaxation.reoptimise(threshold: threshold)
            if status == .pruned || status == .infeasible { return .closed }
            if isRoot { noteBindingResources() }

            if buildRoundedTrial() {
                offerTrial(completingFixed: true)
            } else if wantsHeuristic {
                completeTrial()
            }
            guard relaxation.bound > threshold, fixByReducedProfit() else { return .closed }
            if isRoot {
                // Few items are left now: the moment for what costs their square.
                isRoot = false
                dominance = Dominance(self)
                improveIncumbent()
                continue
            }
            if isDisturbed { continue }
            if relaxation.activeCount == 0 {
                offerTrial(completingFixed: true)
                return .closed
            }
            switch pickBranch() {
            case .closed: return .closed
            case .branch(let branch): return .branch(branch)
            case .solveAgain: continue
            }
        }
    }

    private var wantsHeuristic: Bool { !hasIncumbent || nodes <= 32 || nodes % 32 == 0 }

    /// The consequences of the integers alone; false on a contradiction.
    private mutating func tighten() -> Bool {
        while true {
            let before = trailCount
            guard room.memory >= 0, room.flops >= 0, room.fetchBytes >= 0 else { return false }
            for layer in 0..<knapsack.layerCount where activeInLayer[layer] < relaxation.need[layer] { return false }
            var index = relaxation.activeCount
            while index > 0 {
                index -= 1
                guard index < relaxation.activeCount else { continue }
                let item = Int(relaxation.active[index])
                let layer = Int(relaxation.columns[item].layer)
                if !cost[item].fits(in: room) {
                    guard fix(item, false) else { return false }
                } else if relaxation.need[layer] > 0 && activeInLayer[layer] == relaxation.need[layer] {
                    guard fix(item, true) else { return false }
                }
            }
            if trailCount == before { return true }
        }
    }

    /// Fixes every item whose other value would push the bound down to the threshold.
    private mutating func fixByReducedProfit() -> Bool {
        guard hasIncumbent else { return true }
        let margin = relaxation.bound - threshold
        var index = relaxation.activeCount
        while index > 0 {
            index -= 1
            guard index < relaxation.activeCount else { continue }
            let item = Int(relaxation.active[index])
            if relaxation.place[item] != .basic && abs(relaxation.reduced[item]) >= margin {
                guard fix(item, relaxation.reduced[item] > 0) else { return false }
            }
        }
        return true
    }

    private mutating func noteBindingResources() {
        binding = []
        for (row, resource) in [Resource.memory, .flops, .fetchBytes].enumerated() where relaxation.prices[row] > 1e-9 {
            binding.append(resource)
        }
    }

    // MARK: - Branching

    private enum Pick {
        case closed
        case branch(Branch)
        /// A side could be closed at once.
        case solveAgain
    }

    /// The basic item whose two sides lose most, after one dual step each.
    private mutating func pickBranch() -> Pick {
        var best: Branch?
        var bestScore = -1.0
        let margin = relaxation.bound - threshold
        for index in 0..<(3 + knapsack.layerCount) {
            let isSlot = index < 3
            let code = isSlot ? relaxation.slot(index) : relaxation.key[index - 3]
            guard code >= 0, relaxation.isActive(Int(code)) else { continue }
            let item = Int(code)
            let fraction = isSlot ? relaxation.slotValue[index] : relaxation.keyValue[index - 3]
            guard fraction > 1e-9, fraction < 1 - 1e-9 else { continue }
            let row = isSlot ? relaxation.row(ofSlot: index) : relaxation.row(ofKeyIn: index - 3)
            relaxation.collectBreakpoints(row, direction: -1)
            let down = relaxation.walk(violation: fraction, flipping: false, until: margin)
            relaxation.collectBreakpoints(row, direction: 1)
            let up = relaxation.walk(violation: 1 - fraction, flipping: false, until: margin)
            let downCloses = down.entering == nil ? down.isProof : down.decrease >= margin
            let upCloses = up.entering == nil ? up.isProof : up.decrease >= margin
            if downCloses && upCloses { return .closed }
            if downCloses || upCloses {
                return fix(item, downCloses) ? .solveAgain : .closed
            }
            let downLoss = down.entering == nil ? 0 : down.decrease
            let upLoss = up.entering == nil ? 0 : up.decrease
            let score = max(downLoss, 1e-9) * max(upLoss, 1e-9)
            if score > bestScore || (score == bestScore && item < best?.item ?? .max) {
                bestScore = score
                let upFirst = upLoss < downLoss || (upLoss == downLoss && fraction >= 0.5)
                best = Branch(
                    item: item, value: upFirst, bound: relaxation.bound - min(upLoss, downLoss),
                    otherBound: relaxation.bound - max(upLoss, downLoss))
            }
        }
        if let best = best ?? branchOnAnyItem() { return .branch(best) }
        return .closed
    }

    /// A relaxation that looks integral without being a feasible choice, or that stalled: split on the item nearest to
    /// indifference, so that the integers decide in the end.
    private func branchOnAnyItem() -> Branch? {
        var best = -1
        var smallest = Double.infinity
        for index in 0..<relaxation.activeCount {
            let item = Int(relaxation.active[index])
            let distance = relaxation.place[item] == .basic ? 0 : abs(relaxation.reduced[item])
            if distance < smallest || (distance == smallest && item < best) {
                smallest = distance
                best = item
            }
        }
        guard best >= 0 else { return nil }
        return Branch(
            item: best, value: relaxation.place[best] != .atZero, bound: relaxation.bound, otherBound: relaxation.bound)
    }
}
