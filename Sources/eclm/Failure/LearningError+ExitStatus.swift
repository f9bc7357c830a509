import CommandSupport
import Datasets
import Experiments
import Learning

extension LearningError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .data, .specification, .checkpoint: .refused
        case .budget: .infeasible
        default: .failure
        }
    }
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
}

extension DatasetError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus { code == .missingFile ? .notFound : .refused }
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
}

extension ReportError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus { .failure }
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
}
