import CommandSupport
import ECLMCore
import Decomposition
import Development
import Registry
import RegistryPrograms

// How the errors of every layer end a command.

extension DecompositionError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus {
        guard code == .output else { return .refused }
        return (cause as? RegistryError)?.exitStatus ?? .failure
    }
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
}

extension SafetensorsError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus { code == .inputOutput ? .notFound : .refused }
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
}

extension DigestError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus { .refused }
    /// What went wrong.
    public var failureMessage: String { description }
}

extension DevelopmentError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus { code == .alreadyRunning ? .refused : .failure }
    /// The kind of failure for programs.
    public var failureCode: String { code.description }
    /// What went wrong.
    public var failureMessage: String { message }
    /// What to do next.
    public var failureHint: String? { hint }
}
