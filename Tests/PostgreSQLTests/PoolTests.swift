import Synchronization
import Testing

@testable import PostgreSQL

@Suite("A pool") struct PoolTests {
    @Test("serves 200 callers with four connections") func manyCallers() async throws {
        try await Cluster.withPool({ $0.maximumConnections = 4 }) { pool in
            let pids = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        let row = try await pool.query("SELECT \(index) AS n, pg_backend_pid() AS pid").one()
                        #expect(try row.decode("n", as: Int.self) == index)
                        return try row.decode("pid", as: Int.self)
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(pids.count <= 4)
            #expect(pool.statistics.busy == 0)
            #expect(pool.statistics.idle <= 4)
        }
    }

    /// Runs `body` while all connections of the pool are in use.
    private func whileBusy(_ pool: PostgresPool, _ body: () async throws -> Void) async throws {
        let (stream, release) = AsyncStream.makeStream(of: Void.self)
        let holder = Task { try await pool.withConnection { _ in for await _ in stream {} } }
        try await Cluster.eventually { pool.statistics.busy == 1 }
        do { try await body() } catch {
            release.finish()
            throw error
        }
        release.finish()
        try await holder.value
    }

    @Test("turns callers away after a bounded wait") func timeout() async throws {
        try await Cluster.withPool({
            $0.maximumConnections = 1
            $0.acquireTimeout = .milliseconds(100)
        }) { pool in
            try await whileBusy(pool) {
                #expect(await errorCode { try await pool.query("SELECT 1") } == .acquireTimedOut)
            }
            try await pool.query("SELECT 1")
        }
    }

    @Test("turns callers away at once when the line is full") func exhausted() async throws {
        try await Cluster.withPool({
            $0.maximumConnections = 1
            $0.maximumWaiters = 1
        }) { pool in
            try await whileBusy(pool) {
                let waiting = Task { try await pool.query("SELECT 1") }
                try await Cluster.eventually { pool.statistics.waiting == 1 }
                #expect(await errorCode { try await pool.query("SELECT 1") } == .poolExhausted)
                waiting.cancel()
                #expect(await errorCode { _ = try await waiting.value } == .cancelled)
                #expect(pool.statistics.waiting == 0)
            }
            try await pool.query("SELECT 1")
        }
    }

    private final class Log: Sendable {
        let entries = Mutex<[Int]>([])
    }

    @Test("serves callers in order of arrival") func order() async throws {
        try await Cluster.withPool({ $0.maximumConnections = 1 }) { pool in
            let served = Log()
            var callers: [Task<Void, any Error>] = []
            try await whileBusy(pool) {
                for index in 0..<5 {
                    callers.append(
                        Task { try await pool.withConnection { _ in served.entries.withLock { $0.append(index) } } })
                    try await Cluster.eventually { pool.statistics.waiting == index + 1 }
                }
            }
            for caller in callers { try await caller.value }
            #expect(served.entries.withLock { $0 } == Array(0..<5))
        }
    }

    @Test("replaces connections that are lost") func healing() async throws {
        try await Cluster.withPool({ $0.maximumConnections = 2 }) { pool in
            let lost = await errorCode {
                try await pool.withConnection {
                    _ = try await $0.query("SELECT pg_terminate_backend(pg_backend_pid())")
                }
            }
            #expect(lost == .connectionLost)
            for _ in 0..<5 { try await pool.query("SELECT 1") }
            // Lost while idle in the pool.
            let pid: Int = try await pool.query("SELECT pg_backend_pid() AS pid").one().decode("pid")
            try await Cluster.withConnection { try await $0.query("SELECT pg_terminate_backend(\(Int32(pid)))") }
            for _ in 0..<5 { try await pool.query("SELECT 1", retry: .idempotent) }
        }
    }

    @Test("repeats an idempotent statement once, and only then") func retry() async throws {
        try await Cluster.withPool { pool in
            let sequence = Cluster.uniqueName("s")
            try await pool.query("CREATE SEQUENCE \(identifier: sequence)")
            // Ends its own connection the first time it runs.
            let sql: SQL = """
                SELECT CASE WHEN nextval(\(sequence)::regclass) = 1 THEN pg_terminate_backend(pg_backend_pid()) ELSE true END
                """
            #expect(await errorCode { try await pool.query(sql) } == .connectionLost)
            try await pool.query("ALTER SEQUENCE \(identifier: sequence) RESTART")
            try await pool.query(sql, retry: .idempotent)
            try await pool.query("DROP SEQUENCE \(identifier: sequence)")
        }
    }

    @Test("cleans up what a caller left behind") func cleanup() async throws {
        try await Cluster.withPool({ $0.maximumConnections = 1 }) { pool in
            let table = Cluster.uniqueName()
            let kept = try await pool.withConnection { connection in
                try await connection.query("BEGIN")
                try await connection.query("CREATE TABLE \(identifier: table) (n int8)")
                _ = try await connection.listen(["left_behind"])
                return connection
            }
            #expect(await errorCode { try await kept.query("SELECT 1") } == .usage)
            let row = try await pool.query(
                """
                SELECT to_regclass(\(table)) IS NULL AS gone, now() = statement_timestamp() AS fresh,
                       (SELECT count(*) FROM pg_listening_channels()) AS channels
                """
            ).one()
            #expect(try row.decode("gone", as: Bool.self))
            #expect(try row.decode("channels", as: Int.self) == 0)
        }
    }

    @Test("reports that it cannot connect, and gives the place free") func unreachable() async throws {
        var configuration = try Cluster.configuration()
        configuration.connectionString = "host=127.0.0.1 port=1"
        configuration.maximumConnections = 1
        let pool = PostgresPool(configuration: configuration, logger: Cluster.logger)
        for _ in 0..<3 {
            let error = await postgresError { try await pool.query("SELECT 1") }
            #expect(error?.code == .connectionFailed, "\(String(describing: error))")
        }
        #expect(pool.statistics.busy == 0)
        await pool.shutdown()
    }

    @Test("shuts down when its connections are back, and closes them") func shutdown() async throws {
        let pool = PostgresPool(configuration: try Cluster.configuration(), logger: Cluster.logger)
        let slow = Task {
            try await pool.query("SELECT pg_backend_pid() AS pid, pg_sleep(0.3)").one().decode("pid", as: Int.self)
        }
        try await Cluster.eventually { pool.statistics.busy == 1 }
        await pool.shutdown()
        let pid = try await slow.value
        #expect(await errorCode { try await pool.query("SELECT 1") } == .usage)
        try await Cluster.withConnection { connection in
            try await Cluster.eventually {
                try await connection.query("SELECT FROM pg_stat_activity WHERE pid = \(pid)").isEmpty
            }
        }
    }
}
