public import ECLMCore
import CommandSupport
import Experiments

extension ExperimentError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .settings, .data, .inconsistent, .notReady, .refused: .refused
        case .budget, .infeasible: .infeasible
        case .unavailable: .unavailable
        default: .failure
        }
    }
    /// The kind of failure for programs.
    public var failureCode: String { code.name }
    /// What went wrong.
    public var failureMessage: String { description }
}
