import Foundation
import Testing

@testable import PostgreSQL

@Suite("A connection") struct ConnectionTests {
    @Test("maps the server's errors to codes") func errors() async throws {
        try await Cluster.withConnection { connection in
            try await connection.execute(
                script: """
                    CREATE TEMP TABLE parent (id int8 CONSTRAINT parent_key PRIMARY KEY, n int8 NOT NULL CHECK (n > 0));
                    CREATE TEMP TABLE child (parent int8 CONSTRAINT child_parent REFERENCES parent);
                    INSERT INTO parent VALUES (1, 1);
                    """)
            let unique = await postgresError { try await connection.query("INSERT INTO parent VALUES (\(1), 1)") }
            #expect(unique?.code == .uniqueViolation)
            #expect(unique?.constraint == "parent_key")
            #expect(unique?.table == "parent")
            #expect(unique?.sqlState == "23505")
            #expect(unique?.statement == "INSERT INTO parent VALUES ($1, 1)")
            let foreign = await postgresError { try await connection.query("INSERT INTO child VALUES (9)") }
            #expect(foreign?.code == .foreignKeyViolation)
            #expect(foreign?.constraint == "child_parent")
            let expected: [(SQL, PostgresError.Code)] = [
                ("INSERT INTO parent VALUES (2, -1)", .checkViolation),
                ("INSERT INTO parent VALUES (2, NULL)", .notNullViolation),
                ("SELECT * FROM nowhere", .undefinedTable),
                ("SELECT nothing FROM parent", .undefinedColumn),
                ("SELECT no_such_function()", .undefinedFunction),
                ("SELEC 1", .syntax),
                ("SELECT 1/0", .invalidData),
                ("DO $$ BEGIN RAISE EXCEPTION 'told you'; END $$", .raisedException),
                ("CREATE TEMP TABLE parent (id int8)", .duplicateObject),
                ("SELECT 1; SELECT 2", .syntax),
            ]
            for (sql, code) in expected {
                #expect(await errorCode { try await connection.query(sql) } == code, "\(sql.text)")
            }
            #expect(try await connection.query("SELECT 1 AS one").one().decode("one", as: Int.self) == 1)
        }
    }

    @Test("never shows parameter values") func redaction() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (name text PRIMARY KEY)")
            try await connection.query("INSERT INTO t VALUES (\("hush-hush"))")
            let error = await postgresError { try await connection.query("INSERT INTO t VALUES (\("hush-hush"))") }
            #expect(error.map { "\($0)".contains("hush-hush") } == false)
        }
    }

    @Test("reports a statement timeout as such") func statementTimeout() async throws {
        try await Cluster.withConnection({ $0.statementTimeout = .milliseconds(100) }) { connection in
            let code = await errorCode { try await connection.query("SELECT pg_sleep(10)") }
            #expect(code == .statementTimedOut)
            try await connection.query("SELECT 1")
        }
    }

    @Test("cancels the statement in the server when the task is cancelled, and goes on") func cancellation()
        async throws
    {
        try await Cluster.withConnection { connection in
            let pid = try await connection.processID
            let started = ContinuousClock.now
            let task = Task { try await connection.query("SELECT pg_sleep(60)") }
            try await Cluster.withConnection { observer in
                try await Cluster.eventually {
                    try await observer.query(
                        "SELECT FROM pg_stat_activity WHERE pid = \(pid) AND query LIKE '%pg_sleep%' AND state = 'active'"
                    ).count == 1
                }
                task.cancel()
                let code = await errorCode { _ = try await task.value }
                #expect(code == .cancelled)
                #expect(ContinuousClock.now - started < .seconds(10))
                #expect(try await connection.processID == pid)
            }
        }
    }

    @Test("survives many cancellations at odd moments") func cancellationRaces() async throws {
        try await Cluster.withConnection { connection in
            for delay in 0..<150 {
                let task = Task { try await connection.query("SELECT pg_sleep(0.002), \(delay) AS n") }
                try await Task.sleep(for: .microseconds(delay * 30))
                task.cancel()
                do { _ = try await task.value } catch let error as PostgresError { #expect(error.code == .cancelled) }
                let n = try await connection.query("SELECT \(delay) AS n").one().decode("n", as: Int.self)
                #expect(n == delay)
            }
        }
    }

    @Test("reports its loss, to the statement in flight and to later ones") func loss() async throws {
        try await Cluster.withConnection { connection in
            let pid = try await connection.processID
            async let sleeping = errorCode { try await connection.query("SELECT pg_sleep(60)") }
            try await Cluster.withConnection { killer in
                try await Cluster.eventually {
                    try await killer.query("SELECT FROM pg_stat_activity WHERE pid = \(pid) AND state = 'active'").count
                        == 1
                }
                try await killer.query("SELECT pg_terminate_backend(\(Int32(pid)))")
            }
            #expect(await sleeping == .connectionLost)
            #expect(!connection.isOpen)
            #expect(await errorCode { try await connection.query("SELECT 1") } == .connectionLost)
        }
    }

    @Test("notices its loss while idle") func idleLoss() async throws {
        try await Cluster.withConnection { connection in
            let pid = try await connection.processID
            try await Cluster.withConnection { try await $0.query("SELECT pg_terminate_backend(\(Int32(pid)))") }
            try await Cluster.eventually { !connection.isOpen }
        }
    }

    @Test("runs concurrent callers one after another") func concurrency() async throws {
        try await Cluster.withConnection { connection in
            try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for index in 0..<100 {
                    group.addTask { (index, try await connection.query("SELECT \(index) AS n").one().decode("n")) }
                }
                for try await (sent, received) in group { #expect(sent == received) }
            }
        }
    }

    @Test("prepares a statement again when its tables change") func schemaChange() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (a int8)")
            try await connection.query("INSERT INTO t VALUES (1)")
            let select: SQL = "SELECT * FROM t WHERE a = \(1)"
            #expect(try await connection.query(select).columnNames == ["a"])
            try await connection.query("ALTER TABLE t ADD COLUMN b text")
            #expect(try await connection.query(select).columnNames == ["a", "b"])
            try await connection.execute(script: "DEALLOCATE ALL")
            #expect(try await connection.query(select).columnNames == ["a", "b"])
            try await connection.query("ALTER TABLE t ADD COLUMN c text")
            #expect(try await connection.pipeline([select, select])[1].columnNames == ["a", "b", "c"])
            try await connection.query("ALTER TABLE t DROP COLUMN c")
            let error = await postgresError {
                try await connection.transaction { _ = try await $0.query(select) }
            }
            #expect(error?.code == .planInvalidated)
            #expect(error?.isRetryable == true)
            try await connection.transaction { _ = try await $0.query(select) }
        }
    }

    @Test("keeps at most as many prepared statements as allowed") func statementCache() async throws {
        for size in [0, 8] {
            try await Cluster.withConnection({ $0.statementCacheSize = size }) { connection in
                for index in 0..<40 { try await connection.query("SELECT \(index), \(raw: "\(index)")") }
                let count = try await connection.query("SELECT count(*) AS n FROM pg_prepared_statements").one()
                #expect(try count.decode("n", as: Int.self) <= size)
            }
        }
    }

    @Test("pipelines a batch in one transaction") func pipeline() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8 PRIMARY KEY)")
            let results = try await connection.pipeline((0..<500).map { "INSERT INTO t VALUES (\($0)) RETURNING n" })
            #expect(try results.map { try $0.one().decode("n", as: Int.self) } == Array(0..<500))
            let error = await postgresError {
                _ = try await connection.pipeline([
                    "INSERT INTO t VALUES (\(1000))", "INSERT INTO t VALUES (\(3))", "SELECT nonsense FROM t",
                ])
            }
            #expect(error?.code == .uniqueViolation)
            #expect(error?.statementIndex == 1)
            let count = try await connection.query("SELECT count(*) AS n FROM t").one().decode("n", as: Int.self)
            #expect(count == 500)
            let large = [UInt8](repeating: 7, count: 1 << 20)
            let sizes = try await connection.pipeline((0..<32).map { _ in "SELECT \(large) AS b" })
            #expect(try sizes.last?.one().decode("b", as: [UInt8].self) == large)
        }
    }

    @Test("refuses COPY as a query and stays usable") func copyAsQuery() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8)")
            #expect(await errorCode { try await connection.query("COPY t FROM STDIN") } == .usage)
            #expect(
                await errorCode { try await connection.query("COPY (SELECT generate_series(1, 10000)) TO STDOUT") }
                    == .usage)
            #expect(await errorCode { try await connection.copyIn("COPY t FROM STDIN") { _ in } } == .usage)
            #expect(await errorCode { try await connection.copyIn("SELECT 1") { _ in } } == .usage)
            try await connection.query("SELECT 1")
        }
    }

    @Test("moves on from a host that is dead") func multiHost() async throws {
        let socket = try #require(ProcessInfo.processInfo.environment["PGHOST"])
        let pool = PostgresConfiguration(
            connectionString: "host=127.0.0.1,\(socket) port=1,5432 dbname=postgres user=postgres")
        let connection = try await PostgresConnection.connect(pool, logger: Cluster.logger)
        try await connection.query("SELECT 1")
        await connection.close()
    }

    @Test("moves on from a host that does not answer") func silentHost() async throws {
        let socketDirectory = try #require(ProcessInfo.processInfo.environment["PGHOST"])
        let silent = try SilentHost()
        var configuration = PostgresConfiguration(
            connectionString: "host=127.0.0.1,\(socketDirectory) port=\(silent.port),5432 dbname=postgres user=postgres"
        )
        configuration.connectTimeout = .milliseconds(500)
        let started = ContinuousClock.now
        let connection = try await PostgresConnection.connect(configuration, logger: Cluster.logger)
        #expect(ContinuousClock.now - started < .seconds(5))
        try await connection.query("SELECT 1")
        await connection.close()
        configuration.connectionString = "host=127.0.0.1 port=\(silent.port)"
        #expect(
            await errorCode { _ = try await PostgresConnection.connect(configuration, logger: Cluster.logger) }
                == .connectionFailed)
    }

    @Test("says why it could not connect, and never the password") func refused() async throws {
        let strings = [
            "host=127.0.0.1 port=1 password=hush-hush user=nobody": PostgresError.Code.connectionFailed,
            "host=x password=hush hush-hush": .usage,
            "postgresql://u:hush-hush@[x/db": .usage,
            "hush-hush": .usage,
        ]
        for (string, code) in strings {
            let error = await postgresError {
                _ = try await PostgresConnection.connect(
                    PostgresConfiguration(connectionString: string), logger: Cluster.logger)
            }
            #expect(error?.code == code)
            #expect(error.map { "\($0)".contains("hush-hush") } == false)
        }
        let typo = await postgresError { try PostgresConfiguration(connectionString: "hots=x").validate() }
        #expect(typo?.message.contains("\"hots\"") == true)
    }

    @Test("close fails the statement in flight") func close() async throws {
        let connection = try await PostgresConnection.connect(try Cluster.configuration(), logger: Cluster.logger)
        async let sleeping = errorCode { try await connection.query("SELECT pg_sleep(60)") }
        try await Task.sleep(for: .milliseconds(100))
        await connection.close()
        #expect(await sleeping == .connectionLost)
        await connection.close()
    }

    @Test("cancelling ends a connection attempt") func cancelledConnect() async throws {
        let silent = try SilentHost()
        let configuration = PostgresConfiguration(connectionString: "host=127.0.0.1 port=\(silent.port)")
        let task = Task { try await PostgresConnection.connect(configuration, logger: Cluster.logger) }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        let started = ContinuousClock.now
        #expect(await errorCode { _ = try await task.value } == .cancelled)
        #expect(ContinuousClock.now - started < .seconds(2))
    }
}
