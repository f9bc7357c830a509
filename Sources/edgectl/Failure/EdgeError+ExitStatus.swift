import CommandSupport
import Core
import EdgeClient
import RegistryProtocol

extension EdgeError: ExitStatusConvertible {
    /// How the command ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .notFound: .notFound
        case .denied, .refused, .invalidState, .invalidWeights: .refused
        case .unavailable: .unavailable
        case .infeasible: .infeasible
        case .damaged: .verificationFailed
        default: .failure
        }
    }

    /// The code's name.
    public var failureCode: String { code.description }

    /// What happened, for people.
    public var failureMessage: String { message }

    /// What to do next, where that is known.
    public var failureHint: String? {
        switch code {
        case .unavailable: "check --endpoint and that registryd runs there, then try again"
        case .denied: "check that this state directory's device is registered at this registry"
        case .infeasible: infeasibility.map { "shortfall: \($0.summary)" }
        default: nil
        }
    }

    /// More for programs.
    public var failureDetails: (any Encodable & Sendable)? { infeasibility }

    private var infeasibility: InfeasibilityReport? {
        (cause as? InfeasibleComposition).map { InfeasibilityReport($0.infeasibility) }
    }
}

/// Why no sub-model fits, for programs.
struct InfeasibilityReport: Encodable, Sendable {
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

    init(_ message: Wire.Infeasibility) {
        emptyLayers = message.emptyLayers
        shortfalls = message.shortfalls.map {
            Shortfall(resource: $0.resource.name, budget: $0.budget, needed: $0.needed, missing: $0.missing)
        }
        smallestBudget = message.smallestBudget?.core
        excluded = message.excluded.map(ExcludedReport.init)
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
struct ExcludedReport: Encodable, Sendable {
    var module: String
    var importance: Double
    var reasons: [String]

    init(_ message: Wire.ExcludedModule) {
        module = message.module
        importance = message.importance
        reasons = message.reasons
    }
}

extension Wire.Resource {
    /// The resource's name as in JSON.
    var name: String { core?.rawValue ?? "resource_\(rawValue)" }
}
