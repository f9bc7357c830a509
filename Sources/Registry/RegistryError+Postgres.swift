import Aggregation
import ECLMCore
public import PostgreSQL

extension RegistryError {
    /// The registry's view of a failure of PostgreSQL: the one place where SQLSTATEs get the registry's meaning.
    public init(_ error: PostgresError) {
        // The schema's own states (migrations/0001): a change of what is immutable, and a set that is not whole.
        if let state = error.sqlState, state == "EC001" || state == "EC002" {
            let hint = error.hint.map { "; \($0)" } ?? ""
            self.init(.failedPrecondition, error.message + hint, cause: error)
            return
        }
        if error.sqlState == "3F000" {
            self.init(.failedPrecondition, "the database has no registry yet; run `registryctl migrate`", cause: error)
            return
        }
        let (code, advice) = Self.meaning(of: error)
        self.init(code, advice.map { "\($0): \(error.message)" } ?? error.message, cause: error)
    }

    /// Any error as a registry error; one that is one already stays as it is.
    public init(wrapping error: any Error) {
        switch error {
        case let error as RegistryError: self = error
        case let error as PostgresError: self.init(error)
        case let error as AggregationError: self.init(error)
        case is CancellationError: self.init(.cancelled, "the caller gave up", cause: error)
        default: self.init(.internal, error.explanation, cause: error)
        }
    }

    /// Whether the schema is not one that this program knows: no request is at fault for that.
    package var isOfSchema: Bool {
        guard let cause = cause as? PostgresError else { return false }
        return cause.sqlState == "3F000"
            || [.undefinedTable, .undefinedFunction, .undefinedColumn].contains(cause.code)
    }

    private static func meaning(of error: PostgresError) -> (Code, String?) {
        switch error.code {
        case .uniqueViolation, .exclusionViolation, .duplicateObject: (.alreadyExists, nil)
        case .serializationFailure, .deadlock, .lockNotAvailable, .planInvalidated, .transactionAborted:
            (.aborted, "somebody else changed the same rows meanwhile and nothing was changed here; repeat the request")
        case .foreignKeyViolation: (.failedPrecondition, "what the request names is not there, or not of this model")
        case .checkViolation, .notNullViolation, .invalidData: (.invalidArgument, nil)
        case .insufficientPrivilege:
            (.permissionDenied, "the database role may not do this; grant it the eclm_ role that its work needs")
        case .diskFull:
            (
                .resourceExhausted,
                "the database's disk is full and nothing was changed; make room, then repeat the request"
            )
        case .serverLimit:
            (.resourceExhausted, "the database server is at one of its limits; repeat the request later")
        case .poolExhausted, .acquireTimedOut:
            (
                .resourceExhausted,
                "every database connection is busy; repeat the request later or allow more connections"
            )
        case .sessionLent: (.failedPrecondition, nil)
        case .connectionRefused:
            (
                .failedPrecondition,
                "the database refuses this login, or there is no such database, and will go on to; correct the user, the "
                    + "password, the database's name or the server's pg_hba.conf"
            )
        case .connectionFailed, .adminShutdown:
            (.unavailable, "the database cannot be reached; repeat the request later")
        case .connectionLost:
            (
                .unavailable,
                "the connection to the database broke; look whether the change took effect, then repeat the request"
            )
        case .readOnly: (.unavailable, "the database is a read-only replica; connect to the primary")
        case .cancelled: (.cancelled, nil)
        case .statementTimedOut, .statementCancelled:
            (.cancelled, "the database stopped the statement and changed nothing")
        case .undefinedTable, .undefinedFunction, .undefinedColumn:
            (.failedPrecondition, "the database's schema is not the one this program needs; run `registryctl migrate`")
        default: (.internal, nil)
        }
    }
}

/// Runs `body` and gives whatever it throws as a ``RegistryError``.
@discardableResult
nonisolated(nonsending)
    public func registryErrors<R>(
        _ body: nonisolated(nonsending) () async throws -> R
    ) async throws(RegistryError) -> R
{
    do {
        return try await body()
    } catch {
        throw RegistryError(wrapping: error)
    }
}

extension PostgresPool {
    /// Runs `body` in a transaction as ``PostgresPool/transaction(isolation:readOnly:retries:_:)`` does, and gives whatever
    /// it throws as a ``RegistryError``. A serialization failure or deadlock that `body` throws as a registry error is
    /// repeated like any other.
    @discardableResult
    public func registryTransaction<R: Sendable>(
        isolation: PostgresIsolation? = nil, readOnly: Bool = false, retries: Int = 3,
        _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws(RegistryError) -> R {
        try await registryErrors {
            try await transaction(isolation: isolation, readOnly: readOnly, retries: retries) { connection in
                do {
                    return try await body(connection)
                } catch let error as RegistryError {
                    // The pool decides by PostgreSQL's own error whether to repeat.
                    guard error.code == .aborted, let cause = error.cause as? PostgresError else { throw error }
                    throw cause
                }
            }
        }
    }
}
