import CLibPQ
import Synchronization

extension ConnectionCore {
    /// Finds out whose session this is, and gives it the settings that everything relies on.
    func openSession() async throws {
        let handle = try live()
        let settings = SessionSettings(configuration, serverVersion: Int(PQserverVersion(handle)))
        let stranger = "(pg_backend_pid() <> \(PQbackendPID(handle)))"
        let lent =
            switch configuration.poolerMode {
            case .automatic: stranger
            case .session: "false"
            case .transaction: "true"
            }
        let row = try await run { try await firstRow(of: settings.opening(isLocal: lent, isPooled: stranger)) }
        guard row.count >= 3 else {
            throw PostgresError(code: .connectionFailed, message: "the server did not say whose session this is")
        }
        // A login for which triggers do not fire would pass by every rule that the database keeps, and the audit.
        guard row[2] == "origin" else {
            throw PostgresError(
                code: .connectionRefused,
                message: "session_replication_role is \(row[2]) for this login, so that no trigger would fire; set it "
                    + "back with ALTER ROLE ... RESET session_replication_role, or ALTER DATABASE")
        }
        isPooled.store(row[0] == "t", ordering: .releasing)
        guard row[1] == "t" else { return }
        isLent.store(true, ordering: .releasing)
        lentSettings = settings.forTransaction
        statements = StatementCache(capacity: 0)
    }

    /// The values of the first row that a script gives, as text. Part of an operation.
    private func firstRow(of script: String) async throws -> [String] {
        try send(script) { PQsendQuery($0, script) }
        var row: [String] = []
        var failure: PostgresError?
        while let result = try await nextResult() {
            switch result.status {
            case PGRES_TUPLES_OK where row.isEmpty && result.rowCount > 0:
                row = result.columns.indices.map { column in
                    result.bytes(row: 0, column: CInt(column)).map { String(decoding: $0, as: UTF8.self) } ?? ""
                }
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: break
            default: failure = failure ?? self.failure(result, statement: nil)
            }
        }
        if let failure { throw failure }
        return row
    }

    // MARK: A lent session

    /// Whether the next statement has to bring its transaction: the session is lent, and no transaction is open.
    var bringsTransaction: Bool {
        guard isLent.load(ordering: .acquiring), let handle else { return false }
        return PQtransactionStatus(handle) == PQTRANS_IDLE
    }

    /// What begins a transaction.
    ///
    /// READ WRITE is left out where it need not be said: a standby refuses it, and a session of this connection's own has
    /// default_transaction_read_only off.
    func opening(_ isolation: PostgresIsolation, readOnly: Bool) throws -> String {
        let text = "BEGIN ISOLATION LEVEL \(isolation.rawValue)"
        guard let settings = lentSettings else { return text + (readOnly ? ", READ ONLY" : "") }
        let isStandby = PQparameterStatus(try live(), "in_hot_standby").map { String(cString: $0) } == "on"
        let access = readOnly ? ", READ ONLY" : isStandby ? "" : ", READ WRITE"
        return text + access + ", NOT DEFERRABLE; " + settings
    }

    /// Runs `batch` in a transaction of its own, in one round trip. Part of an operation.
    func runInTransaction(_ batch: [Statement]) async throws -> [ResultStorage] {
        let frame = try opening(.readCommitted, readOnly: false).split(separator: ";", maxSplits: 1)
        let first = frame.map { Statement(key: .init(text: String($0), types: []), values: []) }
        let last = Statement(key: .init(text: "COMMIT", types: []), values: [])
        do {
            let results = try await runInPipeline(first + batch + [last])
            return Array(results[first.count..<(first.count + batch.count)])
        } catch var error as PostgresError {
            // Of the statements that were asked for; the last of them where COMMIT failed.
            error.statementIndex = error.statementIndex.map { min(max($0 - first.count, 0), batch.count - 1) }
            if let handle, PQtransactionStatus(handle) != PQTRANS_IDLE { try await simple("ROLLBACK") }
            throw error
        }
    }

    /// Runs a script in a transaction of its own. Part of an operation.
    func runInTransaction(script: String) async throws {
        try await simple(try opening(.readCommitted, readOnly: false))
        do {
            try await simple(script)
            try await simple("COMMIT")
        } catch {
            if let handle, PQtransactionStatus(handle) != PQTRANS_IDLE { try await simple("ROLLBACK") }
            throw error
        }
    }
}
