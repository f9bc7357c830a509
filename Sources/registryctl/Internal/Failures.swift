import CommandSupport
import Core
import Decomposition
import Development
import PostgreSQL
import Registry

// How the errors of every layer end a command.

extension RegistryError: ExitStatusConvertible {
    public var exitStatus: ExitStatus {
        switch code {
        case .notFound: .notFound
        case .invalidArgument, .alreadyExists, .failedPrecondition, .permissionDenied: .refused
        case .unavailable, .aborted, .resourceExhausted: .unavailable
        case .dataLoss: .verificationFailed
        default: .failure
        }
    }

    public var failureCode: String { code.description.replacing(" ", with: "_") }
    public var failureMessage: String { message }
    public var failureHint: String? {
        code == .unavailable
            ? "name the database with --database or $ECLM_DATABASE; `registryctl doctor` looks at it more closely" : nil
    }
}

extension PostgresError: ExitStatusConvertible {
    public var exitStatus: ExitStatus { code == .usage ? .refused : RegistryError(self).exitStatus }
    public var failureCode: String { RegistryError(self).failureCode }
    public var failureMessage: String { RegistryError(self).message }
    public var failureHint: String? { RegistryError(self).failureHint }
}

extension DecompositionError: ExitStatusConvertible {
    public var exitStatus: ExitStatus {
        guard code == .output else { return .refused }
        return (cause as? RegistryError)?.exitStatus ?? .failure
    }
    public var failureCode: String { code.description }
    public var failureMessage: String { message }
}

extension SafetensorsError: ExitStatusConvertible {
    public var exitStatus: ExitStatus { code == .inputOutput ? .notFound : .refused }
    public var failureCode: String { code.description }
    public var failureMessage: String { message }
}

extension DigestError: ExitStatusConvertible {
    public var exitStatus: ExitStatus { .refused }
    public var failureMessage: String { description }
}

extension DevelopmentError: ExitStatusConvertible {
    public var exitStatus: ExitStatus { code == .alreadyRunning ? .refused : .failure }
    public var failureCode: String { code.description }
    public var failureMessage: String { message }
    public var failureHint: String? { hint }
}
