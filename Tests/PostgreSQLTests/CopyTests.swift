import Foundation
import Testing

@testable import PostgreSQL

@Suite("COPY", .serialized) struct CopyTests {
    struct Stop: Error {}

    /// Peak resident memory of this process, in bytes.
    private func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(separator: " ")[1])) * 1024
    }

    private func resetPeakMemory() throws {
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    }

    private func check(_ row: PostgresCopyRow, index: Int, uuid: UUID, at: PostgresTimestamp) throws {
        #expect(try row.decode(0, as: Int.self) == index)
        #expect(try row.decode(1, as: String.self) == "row \(index)")
        #expect(try row.decode(2, as: [UInt8].self).count == index)
        #expect(try row.decode(3, as: UUID.self) == uuid)
        #expect(try row.decode(4, as: PostgresTimestamp.self) == at)
        #expect(try row.decode(5, as: [Double].self) == [1.5, 2])
        #expect(try row.decode(6, as: JSONText.self).text == "{}")
        #expect(try row.decodeIfPresent(7, as: Int32.self) == nil)
    }

    @Test("moves rows of all types in and out") func types() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query(
                "CREATE TEMP TABLE t (i int8, s text, b bytea, u uuid, at timestamptz, a float8[], j jsonb, n int4)")
            let uuid = UUID()
            let at = PostgresTimestamp(microseconds: 5)
            let none: Int32? = nil
            let count = try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                for index in 0..<1000 {
                    try await writer.row(
                        [
                            index, "row \(index)", [UInt8](repeating: 1, count: index), uuid, at, [1.5, 2],
                            JSONText("{}"), none,
                        ])
                }
            }
            #expect(count == 1000)
            var seen = 0
            let read = try await connection.copyOut("COPY (SELECT * FROM t ORDER BY i) TO STDOUT (FORMAT binary)") {
                row in
                try check(row, index: seen, uuid: uuid, at: at)
                seen += 1
            }
            #expect(read == 1000 && seen == 1000)
            let empty = try await connection.copyOut("COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT binary)") { _ in }
            #expect(empty == 0)
            #expect(try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { _ in } == 0)
        }
    }

    @Test("moves 256 MiB in and out with bounded memory") func bounded() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (i int4, b bytea)")
            try await connection.query("ALTER TABLE t ALTER COLUMN b SET STORAGE EXTERNAL")
            let chunk = [UInt8](repeating: 0xA5, count: 1 << 20)
            try resetPeakMemory()
            let before = try peakMemory()
            try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                for index in 0..<256 { try await writer.row([Int32(index), chunk]) }
            }
            var bytes = 0
            try await connection.copyOut("COPY t TO STDOUT (FORMAT binary)") { row in
                bytes += try #require(row.fields[1]).count
                if bytes % (64 << 20) == 0 { try await Task.sleep(for: .milliseconds(50)) }
            }
            #expect(bytes == 256 << 20)
            let growth = try peakMemory() - before
            // Other suites run beside this one, and one of them moves 48 MiB at a time.
            #expect(growth < 230 << 20, "grew by \(growth >> 20) MiB")
        }
    }

    @Test("loads nothing when its body throws") func abort() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8)")
            await #expect(throws: Stop.self) {
                try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                    for index in 0..<100_000 { try await writer.row([index]) }
                    throw Stop()
                }
            }
            #expect(try await connection.query("SELECT FROM t").isEmpty)
            let wrong = await errorCode {
                try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { try await $0.row([1, 2]) }
            }
            #expect(wrong == .usage)
            let type = await postgresError {
                try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { try await $0.row(["text"]) }
            }
            #expect(type?.code == .invalidData, "\(String(describing: type))")
        }
    }

    @Test("reports the server's error, at the end or in the middle") func serverError() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8 CONSTRAINT only_once UNIQUE)")
            for count in [2, 200_000] {
                let error = await postgresError {
                    try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                        for _ in 0..<count { try await writer.row([1]) }
                    }
                }
                #expect(error?.code == .uniqueViolation)
                #expect(error?.constraint == "only_once")
            }
            #expect(
                await errorCode { try await connection.copyIn("COPY nowhere FROM STDIN (FORMAT binary)") { _ in } }
                    == .undefinedTable)
            try await connection.query("SELECT 1")
        }
    }

    @Test("stops early when the reader does") func abortOut() async throws {
        try await Cluster.withConnection { connection in
            var rows = 0
            await #expect(throws: Stop.self) {
                try await connection.copyOut("COPY (SELECT generate_series(1, 10000000)) TO STDOUT (FORMAT binary)") {
                    _ in
                    rows += 1
                    if rows == 10 { throw Stop() }
                }
            }
            #expect(rows == 10)
            try await connection.query("SELECT 1")
        }
    }

    @Test("is aborted when the task is cancelled") func cancelled() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8)")
            let task = Task {
                try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                    for index in 0... { try await writer.row([index]) }
                }
            }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            #expect(await errorCode { _ = try await task.value } == .cancelled)
            #expect(try await connection.query("SELECT FROM t").isEmpty)
        }
    }

    @Test("runs inside a transaction and is undone with it") func inTransaction() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8)")
            await #expect(throws: Stop.self) {
                try await connection.transaction { inner in
                    try await inner.copyIn("COPY t FROM STDIN (FORMAT binary)") { try await $0.row([1]) }
                    #expect(try await inner.query("SELECT FROM t").count == 1)
                    throw Stop()
                }
            }
            #expect(try await connection.query("SELECT FROM t").isEmpty)
        }
    }

    @Test("tells of a connection lost in the middle") func loss() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8)")
            let pid = try await connection.processID
            let code = await errorCode {
                try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                    try await writer.row([1])
                    try await Cluster.withConnection {
                        try await $0.query("SELECT pg_terminate_backend(\(Int32(pid)))")
                    }
                    for index in 0..<500_000 { try await writer.row([index]) }
                }
            }
            #expect(code == .connectionLost)
            #expect(!connection.isOpen)
        }
    }
}
