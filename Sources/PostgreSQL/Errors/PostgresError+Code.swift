extension PostgresError {
    /// A kind of failure. New ones may be added, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name, as in the source.
        public let description: String

        private init(_ description: String) { self.description = description }

        /// No connection could be made: no host answered, or the server refused.
        public static let connectionFailed = Code("connectionFailed")
        /// The connection broke; whether the statement in flight took effect is unknown.
        public static let connectionLost = Code("connectionLost")
        /// The pool's waiting line is full.
        public static let poolExhausted = Code("poolExhausted")
        /// No pooled connection became free in time.
        public static let acquireTimedOut = Code("acquireTimedOut")
        /// The task was cancelled; the statement, if it had started, was cancelled in the server.
        public static let cancelled = Code("cancelled")
        /// The statement ran longer than `statement_timeout`.
        public static let statementTimedOut = Code("statementTimedOut")
        /// 57014 that this process did not ask for: somebody called `pg_cancel_backend`.
        public static let statementCancelled = Code("statementCancelled")
        /// 23505.
        public static let uniqueViolation = Code("uniqueViolation")
        /// 23503.
        public static let foreignKeyViolation = Code("foreignKeyViolation")
        /// 23514.
        public static let checkViolation = Code("checkViolation")
        /// 23502.
        public static let notNullViolation = Code("notNullViolation")
        /// 23P01.
        public static let exclusionViolation = Code("exclusionViolation")
        /// 40001: run the transaction again.
        public static let serializationFailure = Code("serializationFailure")
        /// 40P01: run the transaction again.
        public static let deadlock = Code("deadlock")
        /// 55P03: a lock was not available in time.
        public static let lockNotAvailable = Code("lockNotAvailable")
        /// The schema changed under a prepared statement inside a transaction: run the transaction again.
        public static let planInvalidated = Code("planInvalidated")
        /// The transaction could not be committed because a statement in it had failed.
        public static let transactionAborted = Code("transactionAborted")
        /// 25006: a write on a standby or in a read-only transaction.
        public static let readOnly = Code("readOnly")
        /// 42501.
        public static let insufficientPrivilege = Code("insufficientPrivilege")
        /// 42P01.
        public static let undefinedTable = Code("undefinedTable")
        /// 42703.
        public static let undefinedColumn = Code("undefinedColumn")
        /// 42883.
        public static let undefinedFunction = Code("undefinedFunction")
        /// 42P07, 42710, 42P06: it exists already.
        public static let duplicateObject = Code("duplicateObject")
        /// P0001: RAISE EXCEPTION in a function or trigger.
        public static let raisedException = Code("raisedException")
        /// Class 22: a value the statement cannot work with.
        public static let invalidData = Code("invalidData")
        /// 53100.
        public static let diskFull = Code("diskFull")
        /// 53200, 53300, 53400, 54xxx: a limit of the server.
        public static let serverLimit = Code("serverLimit")
        /// 57P01, 57P02, 57P03: the server is going down or coming up.
        public static let adminShutdown = Code("adminShutdown")
        /// Class 42 otherwise: the statement is wrong.
        public static let syntax = Code("syntax")
        /// A result could not be read as the type asked for.
        public static let decoding = Code("decoding")
        /// The caller broke a rule of this library; the message names it.
        public static let usage = Code("usage")
        /// A listener fell behind and notifications were dropped; subscribe again and re-read.
        public static let notificationsDropped = Code("notificationsDropped")
        /// Anything else; see the SQLSTATE.
        public static let other = Code("other")

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
