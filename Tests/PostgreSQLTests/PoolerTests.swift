import TestSupport
import Testing

@testable import PostgreSQL

@Suite("Through PgBouncer", .enabled(if: PgBouncer.isAvailable, "\(PgBouncer.requirement)"))
struct PoolerTests {
    private static func configuration(_ bouncer: PgBouncer, _ database: TestDatabase) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(connectionString: bouncer.connectionString(to: database))
        configuration.searchPath = ["public"]
        return configuration
    }

    private func withPool(
        _ mode: PgBouncer.Mode, sessions: Int = 4, _ change: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (PostgresPool, TestDatabase) async throws -> Void
    ) async throws {
        try await withDatabase(migrated: false) { database in
            try await PgBouncer.with(mode, sessions: sessions) { bouncer in
                var configuration = Self.configuration(bouncer, database)
                change(&configuration)
                try await PostgresPool.withPool(configuration, logger: Cluster.logger) { try await body($0, database) }
            }
        }
    }

    @Test("a connection finds out that its session is lent, unless it is told that it is its own")
    func found() async throws {
        for mode in PgBouncer.Mode.allCases {
            try await withPool(mode) { pool, database in
                try await pool.withConnection { #expect($0.isPooled && $0.isLent) }
                var told = pool.configuration
                told.poolerMode = .session
                let connection = try await PostgresConnection.connect(told, logger: Cluster.logger)
                #expect(connection.isPooled && !connection.isLent)
                await connection.close()
            }
        }
        try await Cluster.withConnection { #expect(!$0.isPooled && !$0.isLent) }
    }

    @Test("statements of many connections get their own answers", arguments: PgBouncer.Mode.allCases)
    func ownAnswers(mode: PgBouncer.Mode) async throws {
        try await withPool(mode, sessions: mode == .session ? 16 : 3, { $0.maximumConnections = 12 }) { pool, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<240 {
                    group.addTask {
                        // Each connection meets the texts in an order of its own.
                        let kind = (index * 7) % 5
                        let row = try await pool.query(
                            "SELECT \(raw: "\(kind)") AS kind, \(index) AS n, current_setting('TimeZone') AS zone"
                        ).one()
                        #expect(try row.decode("kind", as: Int32.self) == Int32(kind))
                        #expect(try row.decode("n", as: Int.self) == index)
                        #expect(try row.decode("zone", as: String.self) == "UTC")
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("prepared statements in lent sessions fail, and never run in another's place")
    func neverAnothers() async throws {
        try await withPool(
            .transaction, sessions: 2,
            {
                $0.maximumConnections = 8
                $0.poolerMode = .session
            }
        ) { pool, _ in
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        do {
                            let kind = (index * 7) % 5
                            let row = try await pool.query("SELECT \(raw: "\(kind)") AS kind, \(index) AS n").one()
                            #expect(try row.decode("kind", as: Int32.self) == Int32(kind))
                            #expect(try row.decode("n", as: Int.self) == index)
                            return true
                        } catch is PostgresError {
                            return false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right > 0)
        }
    }

    @Test("transactions, batches, scripts and COPY are whole", arguments: PgBouncer.Mode.allCases)
    func whole(mode: PgBouncer.Mode) async throws {
        try await withPool(mode) { pool, _ in
            try await pool.withConnection { connection in
                try await connection.execute(
                    script: """
                        CREATE TABLE public.parent (id int8 PRIMARY KEY);
                        CREATE TABLE public.child (id int8 REFERENCES public.parent DEFERRABLE INITIALLY DEFERRED);
                        """)
                let batch = try await connection.pipeline(
                    (0..<50).map { "INSERT INTO parent VALUES (\($0)) RETURNING id" })
                #expect(try batch.map { try $0.one().decode("id", as: Int.self) } == Array(0..<50))
                let failed = await postgresError {
                    _ = try await connection.pipeline([
                        "INSERT INTO parent VALUES (99)", "INSERT INTO parent VALUES (1)",
                    ])
                }
                #expect(failed?.code == .uniqueViolation)
                #expect(failed?.statementIndex == 1)
                // At COMMIT, which nobody wrote.
                #expect(
                    await errorCode { try await connection.query("INSERT INTO child VALUES (77)") }
                        == .foreignKeyViolation)
                #expect(
                    await errorCode { try await connection.execute(script: "INSERT INTO child VALUES (77)") }
                        == .foreignKeyViolation)
                try await connection.transaction { inner in
                    try await inner.query("INSERT INTO parent VALUES (77)")
                    _ = await errorCode {
                        try await inner.transaction { _ = try await $0.query("INSERT INTO parent VALUES (77)") }
                    }
                    try await inner.query("INSERT INTO child VALUES (77)")
                }
                let copied = try await connection.copyIn("COPY public.parent FROM STDIN (FORMAT binary)") { writer in
                    for id in 100..<200 { try await writer.row([Int64(id)]) }
                }
                #expect(copied == 100)
                let ids = try await connection.query("SELECT id FROM parent ORDER BY id").map {
                    try $0.decode("id", as: Int.self)
                }
                #expect(ids == Array(0..<50) + [77] + Array(100..<200))
            }
        }
    }

    @Test("each transaction has the level and the settings it names, whatever the database has set")
    func settings() async throws {
        try await withPool(.transaction) { pool, database in
            try await database.pool.withConnection { connection in
                for setting in [
                    "default_transaction_isolation = 'serializable'", "default_transaction_read_only = on",
                    "TimeZone = 'Asia/Tokyo'", "search_path = 'nowhere'", "statement_timeout = '200ms'",
                ] {
                    try await connection.query("ALTER DATABASE \(identifier: database.name) SET \(raw: setting)")
                }
            }
            let state: SQL = """
                SELECT concat_ws('|', current_setting('transaction_isolation'), current_setting('transaction_read_only'),
                    current_setting('TimeZone'), current_setting('search_path'), current_setting('statement_timeout')) AS state
                """
            let expected = "read committed|off|UTC|\"public\"|0"
            let single = try await pool.query(state).one().decode("state", as: String.self)
            #expect(single == expected)
            try await pool.query("SELECT pg_sleep(0.3)")
            let writing = try await pool.transaction {
                try await $0.query(state).one().decode("state", as: String.self)
            }
            #expect(writing == expected)
            let reading = try await pool.transaction(isolation: .repeatableRead, readOnly: true) {
                try await $0.query(state).one().decode("state", as: String.self)
            }
            #expect(reading == "repeatable read|on|UTC|\"public\"|0")
        }
    }

    @Test("a lent session is not listened on, and a look at the connections says what to set")
    func listening() async throws {
        try await withPool(.transaction) { pool, database in
            try await pool.withConnection { connection in
                #expect(await errorCode { _ = try await connection.listen(["c"]) } == .sessionLent)
            }
            let lost = await postgresError { try await pool.examine(listens: true) }
            #expect(lost?.code == .sessionLent)
            #expect(lost?.message.contains("listen-database") == true)
            let unheard = try await pool.examine(listens: false)
            #expect(unheard == .init(isPooled: true, isLent: true))
            var past = pool.configuration
            past.listenConnectionString = database.connectionString
            try await PostgresPool.withPool(past, logger: Cluster.logger) { pool in
                let found = try await pool.examine(listens: true)
                #expect(found == .init(isPooled: true, isLent: true, hearsNotifications: true))
            }
            var mistaken = past
            mistaken.poolerMode = .session
            try await PostgresPool.withPool(mistaken, logger: Cluster.logger) { pool in
                let error = await postgresError { try await pool.examine(listens: false) }
                #expect(error?.code == .sessionLent)
                #expect(error?.message.contains("pooler-mode") == true)
            }
        }
        try await withPool(.session, { $0.poolerMode = .session }) { pool, _ in
            let found = try await pool.examine(listens: true)
            #expect(found == .init(isPooled: true, isLent: false, hearsNotifications: true))
        }
        try await Cluster.withPool { pool in
            let found = try await pool.examine(listens: true)
            #expect(found == .init(isPooled: false, isLent: false, hearsNotifications: true))
        }
    }

    @Test("a listener past the pooler hears what is sent through it")
    func listenerPast() async throws {
        try await withPool(.transaction) { pool, database in
            var past = pool.configuration
            past.listenConnectionString = database.connectionString
            let listener = PostgresListener(configuration: past, channels: ["news"], logger: Cluster.logger)
            let reader = Task { [listener] in
                for await event in listener where event != .connected { return event }
                return .connected
            }
            try await Cluster.eventually {
                try await !database.pool.query(
                    "SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                ).isEmpty
            }
            try await pool.query("SELECT pg_notify('news', 'good')")
            #expect(await reader.value == .notification(channel: "news", payload: "good"))
        }
    }
}
