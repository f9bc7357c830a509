import TestSupport
import Testing

@testable import PostgreSQL

@Suite("A database that says nothing") struct SilenceTests {
    private func withProxy(
        _ change: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (TestProxy, PostgresPool, TestDatabase) async throws -> Void
    ) async throws {
        try await withDatabase(migrated: false) { database in
            try await TestProxy.with { proxy in
                var configuration = PostgresConfiguration(connectionString: proxy.connectionString(to: database))
                configuration.searchPath = ["public"]
                configuration.silenceTimeout = .milliseconds(300)
                configuration.connectTimeout = .seconds(2)
                change(&configuration)
                try await PostgresPool.withPool(configuration, logger: Cluster.logger) {
                    try await body(proxy, $0, database)
                }
            }
        }
    }

    @Test("is not waited for on a connection that leads nowhere any more") func halfOpen() async throws {
        try await withProxy { proxy, pool, _ in
            try await pool.query("SELECT 1")
            proxy.freezeConnections()
            // Asked over another connection, the server has nothing to do for this one.
            #expect(await errorCode { try await pool.query("SELECT 1") } == .connectionLost)
            try await pool.query("SELECT 1")
            proxy.freezeConnections()
            try await pool.query("SELECT 1", retry: .idempotent)
            proxy.freezeConnections()
            // Nothing was done over the connection, so that the transaction begins on another.
            let one = try await pool.transaction {
                try await $0.query("SELECT 1 AS n").one().decode("n", as: Int32.self)
            }
            #expect(one == 1)
        }
    }

    @Test("is not waited for when nothing leads to it") func frozen() async throws {
        try await withProxy { proxy, pool, _ in
            try await pool.query("SELECT 1")
            proxy.freeze()
            #expect(await errorCode { try await pool.query("SELECT 1") } == .connectionLost)
            #expect(await errorCode { try await pool.query("SELECT 1") } == .connectionFailed)
            proxy.thaw()
            try await pool.query("SELECT 1")
        }
    }

    @Test("is waited for as long as it works") func works() async throws {
        try await withProxy { _, pool, database in
            try await pool.query("SELECT pg_sleep(2)")
            try await pool.query("CREATE TABLE t (n int8)")
            try await database.withConnection { holder in
                try await holder.query("BEGIN")
                try await holder.query("LOCK TABLE t")
                let waiting = Task { try await pool.query("INSERT INTO t VALUES (1)") }
                try await Task.sleep(for: .seconds(1))
                try await holder.query("COMMIT")
                _ = try await waiting.value
            }
        }
    }

    @Test("ends a COPY that it does not take, too") func copy() async throws {
        try await withProxy { proxy, pool, _ in
            try await pool.query("CREATE TABLE t (b bytea)")
            let code = await errorCode {
                try await pool.withConnection { connection in
                    _ = try await connection.copyIn("COPY public.t FROM STDIN (FORMAT binary)") { writer in
                        let large = [UInt8](repeating: 1, count: 1 << 20)
                        proxy.freezeConnections()
                        for _ in 0..<64 { try await writer.row([large]) }
                    }
                }
            }
            #expect(code == .connectionLost)
        }
    }

    @Test("is given two seconds once the program is to end") func hurry() async throws {
        try await withProxy({
            $0.silenceTimeout = .seconds(3600)
            $0.connectTimeout = .seconds(3600)
        }) { proxy, pool, _ in
            try await pool.query("SELECT 1")
            proxy.freeze()
            let waiting = Task { try await pool.query("SELECT 1") }
            try await Task.sleep(for: .milliseconds(200))
            pool.hurry()
            #expect(await errorCode { _ = try await waiting.value } == .connectionLost)
            #expect(await errorCode { try await pool.query("SELECT 1") } == .connectionFailed)
        }
    }

    @Test("takes a pool's idle connections with a listener's") func listener() async throws {
        try await withProxy { proxy, pool, database in
            let listener = PostgresListener(pool: pool, channels: ["c"], logger: Cluster.logger)
            let (events, continuation) = AsyncStream.makeStream(of: PostgresListener.Event.self)
            let reader = Task { for await event in listener { continuation.yield(event) } }
            var iterator = events.makeAsyncIterator()
            #expect(await iterator.next() == .connected)
            try await pool.query("SELECT 1")
            #expect(pool.statistics.idle == 1)
            try await database.pool.query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'
                """)
            #expect(await iterator.next() == .connected)
            #expect(pool.statistics.idle == 0)
            reader.cancel()
            await reader.value
        }
    }
}

@Suite("A connection that cannot be had") struct RefusedConnectionTests {
    @Test("leaves those that there are to everybody") func limit() async throws {
        let login = Cluster.uniqueName("limited")
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE ROLE \(identifier: login) LOGIN CONNECTION LIMIT 2")
            try await Cluster.withPool({
                $0.maximumConnections = 8
                $0.connectionString = "user=\(login)"
            }) { pool in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<100 {
                        group.addTask {
                            try await pool.query("SELECT \(index) AS n, pg_sleep(0.005)").one().decode(
                                "n", as: Int.self)
                        }
                    }
                    let sum = try await group.reduce(0, +)
                    #expect(sum == 4950)
                }
                #expect(pool.statistics.busy == 0)
                #expect(pool.statistics.idle <= 2)
            }
            try await Cluster.eventually {
                try await connection.query("SELECT FROM pg_stat_activity WHERE usename = \(login)").isEmpty
            }
            try await connection.query("DROP ROLE \(identifier: login)")
        }
    }

    @Test("says whether it ever will be")
    func forGood() async throws {
        let name = Cluster.uniqueName("nobody")
        func error(_ string: String) async -> PostgresError? {
            await postgresError {
                var configuration = try Cluster.configuration()
                configuration.connectionString = string
                _ = try await PostgresConnection.connect(configuration, logger: Cluster.logger)
            }
        }
        let database = await error("dbname=\(name)")
        #expect(database?.code == .connectionRefused)
        #expect(database?.sqlState == "3D000")
        #expect(database?.message.contains("database \"\(name)\" does not exist") == true)
        #expect(database?.message.contains("LOCATION") == false)
        let login = await error("user=\(name)")
        #expect(login?.code == .connectionRefused)
        #expect(login?.sqlState == "28000")
        #expect(await error("host=127.0.0.1 port=1")?.code == .connectionFailed)
        // The string's own settings of TCP count.
        #expect(await error("host=127.0.0.1 port=1 keepalives_idle=odd")?.message.contains("keepalives_idle") == true)
    }

    @Test("is told from the text of libpq") func text() {
        let prefix = "connection to server at \"db\" (10.0.0.1), port 5432 failed: "
        func code(_ texts: String...) -> PostgresError.Code {
            ConnectionFailure(texts.map { prefix + $0 + "\nLOCATION:  InitPostgres, postinit.c:948\n" }.joined()).error
                .code
        }
        #expect(code("FATAL:  28P01: password authentication failed for user \"x\"") == .connectionRefused)
        #expect(code("FATAL:  53300: sorry, too many clients already") == .connectionFailed)
        #expect(code("FATAL:  57P03: the database system is starting up") == .connectionFailed)
        #expect(code("FATAL:  08P01: no such database: x") == .connectionRefused)
        #expect(code("FATAL:  08P01: no more connections allowed (max_client_conn)") == .connectionFailed)
        // Another host may come back.
        #expect(code("Connection refused", "FATAL:  3D000: database \"x\" does not exist") == .connectionFailed)
    }
}
