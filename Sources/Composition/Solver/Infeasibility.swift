public import ECLMCore

/// Why no sub-model fits, and what would help.
public struct Infeasibility: Hashable, Sendable {
    /// A resource of which there is too little.
    public struct Shortfall: Hashable, Sendable {
        public var resource: Resource
        /// What the device may spend of it.
        public var budget: Int64
        /// The smallest budget of it that would do: with the other budgets as they are where ``repairsAlone``, else the
        /// figure in ``Infeasibility/smallestBudget``, or with the others lifted where that names no larger one.
        public var needed: Int64
        /// Whether raising this budget alone to `needed` makes the problem feasible.
        public var repairsAlone: Bool
        /// `needed - budget`.
        public var missing: Int64 { needed - budget }

        public init(resource: Resource, budget: Int64, needed: Int64, repairsAlone: Bool) {
            self.resource = resource
            self.budget = budget
            self.needed = needed
            self.repairsAlone = repairsAlone
        }
    }

    /// Layers with fewer candidates than the minimum: no budget helps, the compatibility filter has left too little.
    public var emptyLayers: [Int]
    /// The resources that are short. With one that repairs alone, raising any one such resource is enough.
    public var shortfalls: [Shortfall]
    /// The reason in words.
    public var message: String
    /// A budget that would do, `nil` where none does. It raises as few resources as possible, by the least total part
    /// of their budgets; none of the raised figures can be lowered by one.
    public var smallestBudget: Budget?
    /// Whether all figures are proved the smallest; false where a limit has cut their search, and they merely suffice.
    public var isExact: Bool

    public init(
        emptyLayers: [Int], shortfalls: [Shortfall], message: String, smallestBudget: Budget?, isExact: Bool
    ) {
        self.emptyLayers = emptyLayers
        self.shortfalls = shortfalls
        self.message = message
        self.smallestBudget = smallestBudget
        self.isExact = isExact
    }
}

extension Infeasibility {
    static func emptyLayers(of problem: CompositionProblem) -> [Int] {
        var counts = [Int](repeating: 0, count: problem.layerCount)
        for candidate in problem.candidates { counts[candidate.layer] += 1 }
        return counts.indices.filter { counts[$0] < problem.minimumPerLayer }
    }

    init(emptyLayers: [Int], of problem: CompositionProblem) {
        let names = emptyLayers.map(String.init).joined(separator: ", ")
        let layers = emptyLayers.count == 1 ? "layer \(names) has" : "layers \(names) have"
        let message =
            problem.minimumPerLayer == 1
            ? "\(layers) no candidate left: no module there suits the device"
            : "\(layers) fewer than the \(problem.minimumPerLayer) candidates wanted: too few modules suit the device"
        self.init(emptyLayers: emptyLayers, shortfalls: [], message: message, smallestBudget: nil, isExact: true)
    }

    /// "memory is short by 1.2 MiB: the smallest sub-model needs 5.0 MiB, the budget is 3.8 MiB".
    static func message(for shortfalls: [Shortfall]) -> String {
        let alone = shortfalls.filter(\.repairsAlone)
        let parts = (alone.isEmpty ? shortfalls : alone).map { shortfall in
            let missing = shortfall.resource.describe(shortfall.missing)
            var needed = shortfall.resource.describe(shortfall.needed)
            var budget = shortfall.resource.describe(shortfall.budget)
            if needed == budget {
                // Rounded alike: only the whole figures tell them apart.
                needed = "\(shortfall.needed) \(shortfall.resource.unit)"
                budget = "\(shortfall.budget) \(shortfall.resource.unit)"
            }
            return "\(shortfall.resource.phrase) is short by \(missing): "
                + "the smallest sub-model needs \(needed), the budget is \(budget)"
        }
        return parts.joined(separator: alone.isEmpty ? "; and " : "; or ")
    }
}

extension Resource {
    /// The resource in words.
    var phrase: String {
        switch self {
        case .memory: "memory"
        case .flops: "compute"
        case .fetchBytes: "download"
        }
    }

    var unit: String { self == .flops ? "FLOPs" : "bytes" }

    /// An amount with a unit, to one decimal.
    func describe(_ amount: Int64) -> String {
        let names =
            self == .flops ? ["FLOPs", "kFLOPs", "MFLOPs", "GFLOPs", "TFLOPs"] : ["B", "KiB", "MiB", "GiB", "TiB"]
        let base: Int64 = self == .flops ? 1000 : 1024
        var power = 0
        var unit: Int64 = 1
        while power + 1 < names.count && amount >= unit * base {
            unit *= base
            power += 1
        }
        guard power > 0 else { return "\(amount) \(names[0])" }
        var tenths = Int64((Double(amount) / Double(unit) * 10).rounded())
        if tenths >= base * 10 && power + 1 < names.count {
            tenths = 10
            power += 1
        }
        return "\(tenths / 10).\(tenths % 10) \(names[power])"
    }
}
