public import ECLMCore
import CommandSupport
import PostgreSQL
public import Registry

extension RegistryError: ExitStatusConvertible {
    /// How a program that meets the error ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .notFound: .notFound
        case .invalidArgument, .alreadyExists, .failedPrecondition, .permissionDenied: .refused
        case .unavailable, .aborted, .resourceExhausted, .cancelled: .unavailable
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
    /// How a program that meets the error ends.
    public var exitStatus: ExitStatus { code == .usage ? .refused : RegistryError(self).exitStatus }
    /// The kind of failure for programs.
    public var failureCode: String { RegistryError(self).failureCode }
    /// What went wrong.
    public var failureMessage: String { RegistryError(self).message }
    /// What to do next.
    public var failureHint: String? { RegistryError(self).failureHint }
}
