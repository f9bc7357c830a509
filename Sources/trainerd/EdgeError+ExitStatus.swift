import CommandSupport
import EdgeClient

extension EdgeError: ExitStatusConvertible {
    /// How a command that meets the error ends.
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
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
    /// What to do next, where that is known.
    public var failureHint: String? {
        code == .unavailable ? "check --parent and that registryd runs there, then try again" : nil
    }
}
