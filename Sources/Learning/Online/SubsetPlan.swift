public import ECLMCore

/// A module that a device holds: its place, what it costs there, and what it is worth.
public struct HeldModule: Hashable, Sendable, Codable {
    /// The module layer.
    public var layer: Int
    /// The index in the layer.
    public var index: Int
    /// Peak memory, in bytes.
    public var memory: Int64
    /// Operations a sample.
    public var flops: Int64
    /// The importance on this device's data, at least 0.
    public var importance: Double

    public init(layer: Int, index: Int, memory: Int64, flops: Int64, importance: Double) {
        self.layer = layer
        self.index = index
        self.memory = memory
        self.flops = flops
        self.importance = importance
    }
}

/// Smaller sub-models within a sub-model that a device holds: each a subset of the one before, the whole first.
///
/// When a device's budget shrinks, it switches to one of them without the network. Modules go in ascending order of
/// importance per share of what the whole costs; every layer keeps its best to the end.
public struct SubsetPlan: Hashable, Sendable, Codable {
    /// One sub-model.
    public struct Subset: Hashable, Sendable, Codable {
        /// The modules of each layer, ascending.
        public var modules: [[Int]]
        /// Peak memory in bytes and operations a sample, shared parts included; fetching takes 0 bytes.
        public var totals: Budget
        /// The sum of the importances.
        public var importance: Double
        /// What was measured on local data; `nil` before ``SubsetPlan/measure(with:on:)``.
        public var measurement: LocalTrainingResult.Measurement?

        /// Whether memory and operations stay within a budget.
        public func fits(_ budget: Budget) -> Bool {
            (totals.memory ?? 0) <= budget.memory ?? .max && (totals.flops ?? 0) <= budget.flops ?? .max
        }
    }

    /// The sub-models, each within the one before.
    public private(set) var subsets: [Subset]

    /// Plans subsets of what is held.
    ///
    /// - Parameters:
    ///   - held: All modules of the sub-model but the shared parts.
    ///   - shared: Memory and operations of the shared parts, which every subset carries.
    ///   - count: How many subsets to plan at most, the whole and the smallest included; 1 to 64.
    /// - Throws: ``LearningError`` with `budget` when a layer has no module, one is named twice or a figure is negative.
    public init(held: [HeldModule], shared: Budget, count: Int = 5) throws {
        guard (1...64).contains(count) else {
            throw LearningError(.budget, "\(count) subsets cannot be planned; ask for 1 to 64")
        }
        var chain = try SubsetChain(held, shared)
        var all = [chain.subset]
        while let smaller = chain.removeLeast() { all.append(smaller) }
        subsets = Self.thinned(all, to: count)
    }

    /// Of a chain the whole, the smallest, and between them those nearest below even steps of memory.
    private static func thinned(_ chain: [Subset], to count: Int) -> [Subset] {
        guard chain.count > count, count > 1, let whole = chain.first, let smallest = chain.last else {
            return count == 1 ? Array(chain.prefix(1)) : chain
        }
        let most = Double(whole.totals.memory ?? 0)
        let step = (most - Double(smallest.totals.memory ?? 0)) / Double(count - 1)
        var chosen = [whole]
        for number in 1..<(count - 1) {
            let limit = most - step * Double(number)
            if let next = chain.first(where: { Double($0.totals.memory ?? 0) <= limit + 0.5 }),
                next.modules != chosen.last?.modules, next.modules != smallest.modules
            {
                chosen.append(next)
            }
        }
        return chosen + [smallest]
    }

    /// Measures every subset on examples that the network did not learn from.
    ///
    /// - Throws: ``LearningError`` when the network lacks a module of the plan or the examples do not fit it.
    public mutating func measure(with network: ModularNetwork, on data: TrainingData) throws {
        for number in subsets.indices {
            subsets[number].measurement = try LocalTraining.measure(
                network.subset(subsets[number].modules), data)
        }
    }

    /// The subset to use within a budget: of those that fit the one measured best, otherwise the most important.
    ///
    /// - Throws: ``LearningError`` with `budget` naming what the smallest subset needs when none fits.
    public func subset(within budget: Budget) throws -> Subset {
        let fitting = subsets.filter { $0.fits(budget) }
        guard let largest = fitting.first else {
            let least = subsets.last?.totals
            throw LearningError(
                .budget,
                "no subset of the held modules fits: the smallest needs \(least?.memory ?? 0) bytes of memory and "
                    + "\(least?.flops ?? 0) operations a sample; pull a smaller sub-model")
        }
        return fitting.dropFirst().reduce(largest) { best, next in
            guard let old = best.measurement, let new = next.measurement else { return best }
            return (new.accuracy, -new.loss) > (old.accuracy, -old.loss) ? next : best
        }
    }
}

/// What is left of a sub-model while its least valuable modules go.
private struct SubsetChain {
    private var layers: [[HeldModule]]
    private let shared: Budget
    private let whole: Budget

    init(_ held: [HeldModule], _ shared: Budget) throws {
        let count = (held.map(\.layer).max() ?? -1) + 1
        guard count > 0, held.allSatisfy({ $0.layer >= 0 && $0.index >= 0 }) else {
            throw LearningError(.budget, "there is no held module to plan subsets of; pull a sub-model first")
        }
        guard
            held.allSatisfy({ $0.memory >= 0 && $0.flops >= 0 && $0.importance >= 0 && $0.importance.isFinite }),
            (shared.memory ?? 0) >= 0, (shared.flops ?? 0) >= 0
        else { throw LearningError(.budget, "costs and importances of held modules must be numbers of at least 0") }
        var layers = [[HeldModule]](repeating: [], count: count)
        for module in held.sorted(by: { ($0.layer, $0.index) < ($1.layer, $1.index) }) {
            guard layers[module.layer].last?.index != module.index else {
                throw LearningError(.budget, "module \(module.index) of layer \(module.layer) is named twice")
            }
            layers[module.layer].append(module)
        }
        if let empty = layers.firstIndex(where: \.isEmpty) {
            throw LearningError(.budget, "no module of layer \(empty) is held; pull the sub-model again")
        }
        self.layers = layers
        self.shared = shared
        whole = Budget(
            memory: held.reduce(0) { $0 + $1.memory }, flops: held.reduce(0) { $0 + $1.flops })
    }

    var subset: SubsetPlan.Subset {
        let modules = layers.joined()
        return SubsetPlan.Subset(
            modules: layers.map { $0.map(\.index) },
            totals: Budget(
                memory: modules.reduce(shared.memory ?? 0) { $0 + $1.memory },
                flops: modules.reduce(shared.flops ?? 0) { $0 + $1.flops }, fetchBytes: 0),
            importance: modules.reduce(0) { $0 + $1.importance }, measurement: nil)
    }

    /// Removes the least valuable module that its layer can spare; `nil` when every layer has one left.
    mutating func removeLeast() -> SubsetPlan.Subset? {
        var least: (layer: Int, position: Int, value: Double)?
        for (layer, modules) in layers.enumerated() where modules.count > 1 {
            for (position, module) in modules.enumerated() {
                let value = value(of: module)
                if least.map({ value < $0.value }) ?? true { least = (layer, position, value) }
            }
        }
        guard let least else { return nil }
        layers[least.layer].remove(at: least.position)
        return subset
    }

    private func value(of module: HeldModule) -> Double {
        let cost =
            Double(module.memory) / Double(max(1, whole.memory ?? 0))
            + Double(module.flops) / Double(max(1, whole.flops ?? 0))
        return module.importance / max(cost, 1e-12)
    }
}
