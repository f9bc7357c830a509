public import CommandSupport
import ECLMCore
public import EdgeClient

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
        case .unavailable: "check the endpoint and that registryd runs there, then try again"
        case .denied: "check that this state directory's device is registered at this registry"
        case .infeasible: infeasibility.map { "shortfall: \($0.summary)" }
        default: nil
        }
    }

    /// More for programs.
    public var failureDetails: (any Encodable & Sendable)? { infeasibility }

    private var infeasibility: InfeasibilityReport? {
        (cause as? InfeasibleComposition).map { InfeasibilityReport($0) }
    }
}
