import CommandSupport
import Core
import Decomposition
import Development
import PostgreSQL
import Registry

// How the errors of every layer end a command.

extension RegistryError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .notFound: .notFound
        case .invalidArgument, .alreadyExists, .failedPrecondition, .permissionDenied: .refused
        case .unavailable, .aborted, .resourceExhausted: .unavailable
        case .dataLoss: .verificationFailed
        default: .failure
        }
    }

    /// The kind of failure for programs.
    public var failureCode: String { code.description.replacing(" ", with: "_") }
    /// What went wrong.
    public var failureMessage: String { message }
    /// What to do next.
    public var failureHint: String? {
        code == .unavailable
            ? "name the database with --database or $ECLM_DATABASE; `registryctl doctor` looks at it more closely" : nil
    }
}

extension PostgresError: ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus { code == .usage ? .refused : RegistryError(self).exitStatus }
    /// The kind of failure for programs.
    public var failureCode: String { RegistryError(self).failureCode }
    /// What went wrong.
    public var failureMessage: String { RegistryError(self).message }
    /// What to do next.
    public var failureHint: String? { RegistryError(self).failureHint }
}

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
