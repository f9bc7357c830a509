import Testing

@testable import PostgreSQL

@Suite("A transaction") struct TransactionTests {
    struct Stop: Error {}

    private func withTable(_ body: (PostgresConnection) async throws -> Void) async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8 PRIMARY KEY)")
            try await body(connection)
        }
    }

    private func expectContents(_ connection: PostgresConnection, _ expected: [Int]) async throws {
        let contents: [Int] = try await connection.query("SELECT n FROM t ORDER BY n").map { try $0.decode("n") }
        #expect(contents == expected)
    }

    @Test("commits what its body did, and returns its value") func commit() async throws {
        try await withTable { connection in
            let value = try await connection.transaction {
                try await $0.query("INSERT INTO t VALUES (1)")
                return "done"
            }
            #expect(value == "done")
            try await expectContents(connection, [1])
        }
    }

    @Test("rolls back when its body throws") func rollback() async throws {
        try await withTable { connection in
            await #expect(throws: Stop.self) {
                try await connection.transaction {
                    try await $0.query("INSERT INTO t VALUES (1)")
                    throw Stop()
                }
            }
            try await expectContents(connection, [])
        }
    }

    @Test("inside a transaction is a savepoint that fails by itself") func savepoints() async throws {
        try await withTable { connection in
            try await connection.transaction { outer in
                try await outer.query("INSERT INTO t VALUES (1)")
                await #expect(throws: Stop.self) {
                    try await outer.transaction { inner in
                        try await inner.query("INSERT INTO t VALUES (2)")
                        throw Stop()
                    }
                }
                let code = await errorCode {
                    try await outer.transaction { inner in
                        try await inner.transaction { _ = try await $0.query("INSERT INTO t VALUES (5)") }
                        try await inner.query("INSERT INTO t VALUES (1)")
                    }
                }
                #expect(code == .uniqueViolation)
                try await outer.transaction { _ = try await $0.query("INSERT INTO t VALUES (3)") }
            }
            try await expectContents(connection, [1, 3])
        }
    }

    @Test("that hid an error is not reported as committed") func hiddenError() async throws {
        try await withTable { connection in
            let code = await errorCode {
                try await connection.transaction {
                    try await $0.query("INSERT INTO t VALUES (1)")
                    _ = try? await $0.query("INSERT INTO t VALUES (1)")
                }
            }
            #expect(code == .transactionAborted)
            try await expectContents(connection, [])
        }
    }

    @Test("rolls back when its task is cancelled, and leaves the connection usable") func cancelled() async throws {
        try await withTable { connection in
            let task = Task {
                try await connection.transaction {
                    try await $0.query("INSERT INTO t VALUES (1)")
                    try await $0.query("SELECT pg_sleep(60)")
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            task.cancel()
            #expect(await errorCode { _ = try await task.value } == .cancelled)
            try await expectContents(connection, [])
        }
    }

    @Test("has the connection to itself") func exclusive() async throws {
        try await withTable { connection in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<10 {
                    group.addTask {
                        try await connection.transaction { inner in
                            let before = try await inner.query("SELECT FROM t").count
                            try await inner.query("INSERT INTO t VALUES (\(index))")
                            await Task.yield()
                            #expect(try await inner.query("SELECT FROM t").count == before + 1)
                        }
                    }
                    group.addTask { _ = try await connection.query("SELECT 1") }
                }
                try await group.waitForAll()
            }
            try await expectContents(connection, Array(0..<10))
        }
    }

    @Test("tells a body that uses the outer connection, and a connection kept too long") func misuse() async throws {
        try await withTable { connection in
            let outer = await errorCode {
                try await connection.transaction { _ in _ = try await connection.query("SELECT 1") }
            }
            #expect(outer == .usage)
            let kept = try await connection.transaction { $0 }
            #expect(await errorCode { try await kept.query("SELECT 1") } == .usage)
            let nested = await errorCode {
                try await connection.transaction { try await $0.transaction(isolation: .serializable) { _ in } }
            }
            #expect(nested == .usage)
        }
    }

    @Test("that only reads refuses to write") func readOnly() async throws {
        try await Cluster.withConnection { connection in
            let code = await errorCode {
                try await connection.transaction(isolation: .repeatableRead, readOnly: true) {
                    _ = try await $0.query("CREATE TABLE never (n int8)")
                }
            }
            #expect(code == .readOnly)
        }
    }

    @Test("is repeated after a serialization failure until it succeeds") func serialization() async throws {
        try await Cluster.withPool { pool in
            let table = Cluster.uniqueName()
            try await pool.query("CREATE TABLE \(identifier: table) (id int8 PRIMARY KEY, n int8)")
            try await pool.query("INSERT INTO \(identifier: table) VALUES (1, 0)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await pool.transaction(isolation: .serializable, retries: 50) { connection in
                            let n: Int = try await connection.query("SELECT n FROM \(identifier: table)").one().decode(
                                "n")
                            try await connection.query("SELECT pg_sleep(0.01)")
                            try await connection.query("UPDATE \(identifier: table) SET n = \(n + 1)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let n = try await pool.query("SELECT n FROM \(identifier: table)").one().decode("n", as: Int.self)
            #expect(n == 6)
            try await pool.query("DROP TABLE \(identifier: table)")
        }
    }
}
