import ECLMCore

/// Exact search for the best choice of a ``LayeredKnapsack``: depth first, without recursion, every node bounded by the
/// Lagrangian value of ``LayeredRelaxation``.
///
/// All buffers are allocated once; a node allocates nothing. Feasibility is decided on the integers alone, so that a
/// budget met to the byte is met and a budget missed by a byte is missed.
struct BranchAndBound: ~Copyable {
    /// A branch that waits: undo the trail to `mark`, then fix `item` at `value`.
    struct Frame {
        var mark: Int32
        var item: Int32
        var value: Bool
        var bound: Double
        var fixedProfit: Double
    }

    struct Result {
        /// Candidate indices, ascending; `nil` where no feasible choice was found.
        var chosen: [Int]?
        /// Upper bound on the objective.
        var bound: Double
        /// Whether the search ended by itself: the choice is optimal, or none exists.
        var isComplete: Bool
        var binding: [Resource]
        var nodes: Int
    }

    let knapsack: LayeredKnapsack
    let limits: CompositionLimits
    let deadline: ContinuousClock.Instant?
    /// Profits are scaled by a power of two, which is exact, to at most 1.
    let profitScale: Double
    /// Step of the objective, scaled; 0 without one.
    let step: Double
    var relaxation: LayeredRelaxation

    let cost: UnsafeMutablePointer<ResourceAmounts>
    /// Value of each fixed item.
    let value: UnsafeMutablePointer<Bool>
    let trail: UnsafeMutablePointer<Int32>
    /// A choice under construction, and the best one found.
    let trial: UnsafeMutablePointer<Bool>
    let incumbent: UnsafeMutablePointer<Bool>
    let layerCounts: UnsafeMutablePointer<Int32>
    let activeInLayer: UnsafeMutablePointer<Int32>

    var trailCount = 0
    var frames: [Frame] = []
    var room: ResourceAmounts
    var dominance = Dominance()
    var hasIncumbent = false
    var incumbentProfit = -Double.infinity
    /// A node with a bound at or below this holds nothing better than the incumbent.
    var threshold = -Double.infinity
    /// Whether fixing has disturbed the relaxation's solution.
    var isDisturbed = false
    var nodes = 0
    var binding: [Resource] = []

    init(_ knapsack: LayeredKnapsack, limits: CompositionLimits, start: ContinuousClock.Instant) {
        self.knapsack = knapsack
        self.limits = limits
        deadline = limits.time.map { start + $0 }
        let largest = knapsack.items.reduce(0.0) { max($0, abs($1.profit)) }
        let scale = largest > 0 ? 1 / largest.binade : 1
        profitScale = scale.isFinite ? scale : 1
        step = ProfitGranularity.step(of: knapsack.items.lazy.map { $0.profit }) * profitScale
        room = knapsack.capacity
        let unit = Vector3(
            1 / Double(max(room.memory, 1)), 1 / Double(max(room.flops, 1)), 1 / Double(max(room.fetchBytes, 1)))
        let count = knapsack.items.count
        cost = .allocate(capacity: count)
        value = .allocate(capacity: count)
        trail = .allocate(capacity: count)
        trial = .allocate(capacity: count)
        incumbent = .allocate(capacity: count)
        layerCounts = .allocate(capacity: knapsack.layerCount)
        activeInLayer = .allocate(capacity: knapsack.layerCount)
        layerCounts.initialize(repeating: 0, count: knapsack.layerCount)
        activeInLayer.initialize(repeating: 0, count: knapsack.layerCount)
        var columns: [LayeredRelaxation.Column] = []
        columns.reserveCapacity(count)
        for (index, item) in knapsack.items.enumerated() {
            cost[index] = item.cost
            value[index] = false
            trial[index] = false
            incumbent[index] = false
            activeInLayer[item.layer] += 1
            let scaled = Vector3(
                Double(item.cost.memory) * unit.x, Double(item.cost.flops) * unit.y,
                Double(item.cost.fetchBytes) * unit.z)
            columns.append(
                .init(cost: scaled, profit: item.profit * profitScale, layer: Int32(item.layer)))
        }
        relaxation = LayeredRelaxation(
            columns: columns, layerCount: knapsack.layerCount, required: knapsack.required)
        frames.reserveCapacity(count + 1)
    }

    deinit {
        cost.deallocate()
        value.deallocate()
        trail.deallocate()
        trial.deallocate()
        incumbent.deallocate()
        layerCounts.deallocate()
        activeInLayer.deallocate()
    }

    /// Searches to the end or to the limits.
    mutating func run() -> Result {
        var nodeBound = Double.infinity
        while true {
            if isOutOfLimits() {
                for frame in frames { nodeBound = max(nodeBound, frame.bound) }
                return result(bound: nodeBound, isComplete: false)
            }
            nodes += 1
            switch evaluate() {
            case .closed:
                guard let bound = backtrack() else { return result(bound: incumbentProfit, isComplete: true) }
                nodeBound = bound
            case .branch(let branch):
                frames.append(
                    Frame(
                        mark: Int32(trailCount), item: Int32(branch.item), value: !branch.value,
                        bound: branch.otherBound, fixedProfit: relaxation.fixedProfit))
                nodeBound = branch.bound
                if !fix(branch.item, branch.value) {
                    guard let bound = backtrack() else { return result(bound: incumbentProfit, isComplete: true) }
                    nodeBound = bound
                }
            }
        }
    }

    private func isOutOfLimits() -> Bool {
        if let limit = limits.nodes, nodes >= limit, nodes > 0 { return true }
        // The clock costs as much as a small node.
        guard let deadline, nodes % 16 == 15 || relaxation.itemCount > 1024 else { return false }
        return ContinuousClock.now >= deadline
    }

    private func result(bound: Double, isComplete: Bool) -> Result {
        var chosen: [Int]?
        if hasIncumbent {
            chosen = []
            for (index, item) in knapsack.items.enumerated() where incumbent[index] { chosen?.append(item.candidate) }
        }
        // Outward rounding, for a bound that was not rounded by the search.
        let slack = isComplete ? 0 : 1e-12 * max(1, abs(bound))
        return Result(
            chosen: chosen, bound: (bound + slack) / profitScale, isComplete: isComplete, binding: binding,
            nodes: nodes)
    }

    // MARK: - Trail

    /// Fixes a free item and what follows from it; false on a contradiction.
    mutating func fix(_ item: Int, _ newValue: Bool) -> Bool {
        guard relaxation.isActive(item) else { return value[item] == newValue }
        assign(item, newValue)
        guard dominance.isEnabled else { return true }
        let related = newValue ? dominance.dominators(of: item) : dominance.dominated(by: item)
        for index in related {
            let other = Int(dominance.list[index])
            if relaxation.isActive(other) {
                assign(other, newValue)
            } else if value[other] != newValue {
                return false
            }
        }
        return true
    }

    private mutating func assign(_ item: Int, _ newValue: Bool) {
        let layer = Int(relaxation.columns[item].layer)
        if relaxation.place[item] != (newValue ? .atOne : .atZero) { isDisturbed = true }
        relaxation.deactivate(item)
        value[item] = newValue
        trail[trailCount] = Int32(item)
        trailCount += 1
        activeInLayer[layer] -= 1
        guard newValue else { return }
        room = room - cost[item]
        relaxation.need[layer] -= 1
        relaxation.fixedProfit += relaxation.columns[item].profit
        updateRelaxedRoom()
    }

    private mutating func updateRelaxedRoom() {
        let capacity = knapsack.capacity
        relaxation.room = Vector3(
            Double(room.memory) / Double(max(capacity.memory, 1)),
            Double(room.flops) / Double(max(capacity.flops, 1)),
            Double(room.fetchBytes) / Double(max(capacity.fetchBytes, 1)))
    }

    private mutating func undo(to mark: Int) {
        while trailCount > mark {
            trailCount -= 1
            let item = Int(trail[trailCount])
            let layer = Int(relaxation.columns[item].layer)
            // Items come back in the reverse order of their leaving: the boundary moves, nothing else.
            relaxation.activeCount += 1
            activeInLayer[layer] += 1
            if value[item] {
                room = room + cost[item]
                relaxation.need[layer] += 1
            }
        }
        updateRelaxedRoom()
    }

    /// Takes up the latest branch that may still hold something better, and returns its bound; `nil` where none is
    /// left.
    private mutating func backtrack() -> Double? {
        while let frame = frames.popLast() {
            undo(to: Int(frame.mark))
            relaxation.fixedProfit = frame.fixedProfit
            if frame.bound > threshold && fix(Int(frame.item), frame.value) { return frame.bound }
        }
        return nil
    }
}
