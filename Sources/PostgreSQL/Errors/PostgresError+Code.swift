public import ECLMCore

extension PostgresError {
    /// A kind of failure. New ones may be added, so a `switch` needs a default.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// No connection could be made: no host answered, or the server refused.
        public static let connectionFailed = Code(name: "connection_failed", exitStatus: .unavailable)
        /// The server, or the pooler before it, refused the login or has no such database: trying again will not help.
        public static let connectionRefused = Code(name: "connection_refused", exitStatus: .refused)
        /// A pooler lends the session, and what was asked for needs one of its own; the message says what to set.
        public static let sessionLent = Code(name: "session_lent", exitStatus: .refused)
        /// The connection broke; whether the statement in flight took effect is unknown.
        public static let connectionLost = Code(name: "connection_lost", exitStatus: .unavailable)
        /// The pool's waiting line is full.
        public static let poolExhausted = Code(name: "pool_exhausted", exitStatus: .unavailable)
        /// No pooled connection became free in time.
        public static let acquireTimedOut = Code(name: "acquire_timed_out", exitStatus: .unavailable)
        /// The task was cancelled; the statement, if it had started, was cancelled in the server.
        public static let cancelled = Code(name: "cancelled", exitStatus: .unavailable)
        /// The statement ran longer than `statement_timeout`.
        public static let statementTimedOut = Code(name: "statement_timed_out", exitStatus: .unavailable)
        /// 57014 that this process did not ask for: somebody called `pg_cancel_backend`.
        public static let statementCancelled = Code(name: "statement_cancelled", exitStatus: .unavailable)
        /// 23505.
        public static let uniqueViolation = Code(name: "unique_violation", exitStatus: .refused)
        /// 23503.
        public static let foreignKeyViolation = Code(name: "foreign_key_violation", exitStatus: .refused)
        /// 23514.
        public static let checkViolation = Code(name: "check_violation", exitStatus: .refused)
        /// 23502.
        public static let notNullViolation = Code(name: "not_null_violation", exitStatus: .refused)
        /// 23P01.
        public static let exclusionViolation = Code(name: "exclusion_violation", exitStatus: .refused)
        /// 40001: run the transaction again.
        public static let serializationFailure = Code(name: "serialization_failure", exitStatus: .unavailable)
        /// 40P01: run the transaction again.
        public static let deadlock = Code(name: "deadlock", exitStatus: .unavailable)
        /// 55P03: a lock was not available in time.
        public static let lockNotAvailable = Code(name: "lock_not_available", exitStatus: .unavailable)
        /// The schema changed under a prepared statement inside a transaction: run the transaction again.
        public static let planInvalidated = Code(name: "plan_invalidated", exitStatus: .unavailable)
        /// The transaction could not be committed because a statement in it had failed.
        public static let transactionAborted = Code(name: "transaction_aborted", exitStatus: .unavailable)
        /// 25006: a write on a standby or in a read-only transaction.
        public static let readOnly = Code(name: "read_only", exitStatus: .unavailable)
        /// 42501.
        public static let insufficientPrivilege = Code(name: "insufficient_privilege", exitStatus: .refused)
        /// 42P01.
        public static let undefinedTable = Code(name: "undefined_table", exitStatus: .refused)
        /// 42703.
        public static let undefinedColumn = Code(name: "undefined_column", exitStatus: .refused)
        /// 42883.
        public static let undefinedFunction = Code(name: "undefined_function", exitStatus: .refused)
        /// 42P07, 42710, 42P06: it exists already.
        public static let duplicateObject = Code(name: "duplicate_object", exitStatus: .refused)
        /// P0001: RAISE EXCEPTION in a function or trigger.
        public static let raisedException = Code(name: "raised_exception", exitStatus: .failure)
        /// Class 22: a value the statement cannot work with.
        public static let invalidData = Code(name: "invalid_data", exitStatus: .refused)
        /// 53100.
        public static let diskFull = Code(name: "disk_full", exitStatus: .unavailable)
        /// 53200, 53300, 53400, 54xxx: a limit of the server.
        public static let serverLimit = Code(name: "server_limit", exitStatus: .unavailable)
        /// 57P01, 57P02, 57P03: the server is going down or coming up.
        public static let adminShutdown = Code(name: "admin_shutdown", exitStatus: .unavailable)
        /// Class 42 otherwise: the statement is wrong.
        public static let syntax = Code(name: "syntax", exitStatus: .failure)
        /// A result could not be read as the type asked for.
        public static let decoding = Code(name: "decoding", exitStatus: .failure)
        /// The caller broke a rule of this library; the message names it.
        public static let usage = Code(name: "usage", exitStatus: .refused)
        /// A listener fell behind and notifications were dropped; subscribe again and re-read.
        public static let notificationsDropped = Code(name: "notifications_dropped", exitStatus: .failure)
        /// Anything else; see the SQLSTATE.
        public static let other = Code(name: "other", exitStatus: .failure)

        /// The code for an SQLSTATE (PostgreSQL manual, appendix A).
        static func forSQLState(_ state: String) -> Code {
            if let exact = exact[state] { return exact }
            switch state.prefix(2) {
            case "08": return state == "08P01" ? .invalidData : .connectionLost
            case "22": return .invalidData
            case "42": return .syntax
            case "53", "54": return .serverLimit
            default: return .other
            }
        }

        private static let exact: [String: Code] = [
            "23505": .uniqueViolation, "23503": .foreignKeyViolation, "23514": .checkViolation,
            "23502": .notNullViolation, "23P01": .exclusionViolation,
            "40001": .serializationFailure, "40P01": .deadlock, "55P03": .lockNotAvailable,
            "25P02": .transactionAborted, "25006": .readOnly,
            "42501": .insufficientPrivilege, "42P01": .undefinedTable, "42703": .undefinedColumn,
            "42883": .undefinedFunction, "42P07": .duplicateObject, "42710": .duplicateObject,
            "42P06": .duplicateObject, "42723": .duplicateObject, "42701": .duplicateObject,
            "P0001": .raisedException, "53100": .diskFull, "57014": .statementCancelled,
            "57P01": .adminShutdown, "57P02": .adminShutdown, "57P03": .adminShutdown,
        ]
    }
}
