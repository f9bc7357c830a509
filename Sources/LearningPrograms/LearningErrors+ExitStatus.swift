public import ECLMCore
public import CommandSupport
public import Datasets
public import Learning

extension LearningError: ExitStatusConvertible {
    /// How the command ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .data, .specification, .checkpoint: .refused
        case .budget: .infeasible
        default: .failure
        }
    }

    /// The code's name.
    public var failureCode: String { code.description }

    /// What happened, for people.
    public var failureMessage: String { message }

    /// What to do next, where that is known.
    public var failureHint: String? {
        code == .diverged ? "nothing was submitted; try again with a lower --rate" : nil
    }
}

extension DatasetError: ExitStatusConvertible {
    /// How the command ends.
    public var exitStatus: ExitStatus { code == .missingFile ? .notFound : .refused }

    /// The code's name.
    public var failureCode: String { code.description }

    /// What happened, for people.
    public var failureMessage: String { message }
}
