import ECLMCore

/// Why no sub-model fits, for programs.
struct InfeasibilityReport: Encodable, Sendable {
    /// What is missing of one resource.
    struct Shortfall: Encodable, Sendable {
        var resource: String
        var budget: Int64
        var needed: Int64
        var missing: Int64
    }

    var emptyLayers: [Int32]
    var shortfalls: [Shortfall]
    var smallestBudget: Budget?
    var excluded: [ExcludedReport]

    init(_ infeasible: InfeasibleComposition) {
        emptyLayers = infeasible.emptyLayers
        shortfalls = infeasible.shortfalls.map {
            Shortfall(resource: $0.resource.rawValue, budget: $0.budget, needed: $0.needed, missing: $0.missing)
        }
        smallestBudget = infeasible.smallestBudget
        excluded = infeasible.excluded.map(ExcludedReport.init)
    }

    /// One line for people.
    var summary: String {
        var parts = shortfalls.map { shortfall in
            let missing =
                shortfall.resource == Resource.flops.rawValue
                ? "\(OperationCount(shortfall.missing)) FLOPs" : "\(ByteSize(shortfall.missing))"
            return "\(shortfall.resource) by \(missing)"
        }
        if !emptyLayers.isEmpty {
            parts.append("no compatible module in layers \(emptyLayers.map(String.init).joined(separator: ", "))")
        }
        return parts.isEmpty ? "unknown" : parts.joined(separator: ", ")
    }
}

/// A module that a composition left out.
public struct ExcludedReport: Encodable, Sendable {
    /// The module's name.
    public var module: String
    /// What it was worth.
    public var importance: Double
    /// Why it was left out.
    public var reasons: [String]

    /// What the registry said.
    public init(_ excluded: SubModelComposition.Excluded) {
        module = excluded.module
        importance = excluded.importance
        reasons = excluded.reasons
    }
}
