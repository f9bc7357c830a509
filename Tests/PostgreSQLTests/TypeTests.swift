import Foundation
import PostgreSQL
import Testing

@Suite("Values") struct TypeTests {
    /// Sends a value, lets the server say what type it saw, and reads it back.
    private func roundTrip<T: PostgresCodable & Equatable>(_ value: T, as type: String) async throws {
        try await Cluster.withConnection { connection in
            let row = try await connection.query("SELECT \(value) AS v, pg_typeof(\(value))::text AS t").one()
            #expect(try row.decode("v", as: T.self) == value)
            #expect(try row.decode("t", as: String.self) == type)
        }
    }

    @Test("scalars come back as they went") func scalars() async throws {
        try await roundTrip(true, as: "boolean")
        try await roundTrip(Int16.min, as: "smallint")
        try await roundTrip(Int32.max, as: "integer")
        try await roundTrip(Int64.min, as: "bigint")
        try await roundTrip(42, as: "bigint")
        try await roundTrip(Double.greatestFiniteMagnitude, as: "double precision")
        try await roundTrip(-Double.infinity, as: "double precision")
        try await roundTrip(Float.leastNonzeroMagnitude, as: "real")
        try await roundTrip("", as: "text")
        try await roundTrip("naïve \"quoted\" 'text' 🐘 \\ $1", as: "text")
        try await roundTrip(UUID(), as: "uuid")
        try await roundTrip([UInt8](), as: "bytea")
        try await roundTrip([UInt8](0...255), as: "bytea")
        try await roundTrip(Data([1, 2, 3]), as: "bytea")
        try await roundTrip(PostgresTimestamp(microseconds: 772_345_678_901_234), as: "timestamp with time zone")
        try await roundTrip(PostgresTimestamp.infinity, as: "timestamp with time zone")
        try await roundTrip(JSONText("{\"a\": [1, 2]}"), as: "jsonb")
    }

    @Test("arrays come back as they went") func arrays() async throws {
        try await roundTrip([Int](), as: "bigint[]")
        try await roundTrip([1, -2, Int.max], as: "bigint[]")
        try await roundTrip([Int32(7), 8], as: "integer[]")
        try await roundTrip([Int16(7)], as: "smallint[]")
        try await roundTrip([true, false], as: "boolean[]")
        try await roundTrip(["a", "", "NULL", "{x,\"y\"}"], as: "text[]")
        try await roundTrip([[UInt8](), [1, 2], [0]], as: "bytea[]")
        try await roundTrip([1.5, -.infinity], as: "double precision[]")
        try await roundTrip([Float(0.25)], as: "real[]")
        try await roundTrip([UUID(), UUID()], as: "uuid[]")
        try await roundTrip([PostgresTimestamp(microseconds: 1)], as: "timestamp with time zone[]")
        try await roundTrip([JSONText("1")], as: "jsonb[]")
    }

    @Test("NaN keeps its bits") func nan() async throws {
        try await Cluster.withConnection { connection in
            let row = try await connection.query("SELECT \(Double.nan) AS d, \(Float.nan) AS f, \([Double.nan]) AS a")
                .one()
            #expect(try row.decode("d", as: Double.self).isNaN)
            #expect(try row.decode("f", as: Float.self).isNaN)
            #expect(try row.decode("a", as: [Double].self)[0].isNaN)
        }
    }

    @Test("a date is the server's point in time") func dates() async throws {
        try await Cluster.withConnection { connection in
            let date = Date(timeIntervalSince1970: 1_753_000_000.125)
            let row = try await connection.query(
                "SELECT \(date) AS d, extract(epoch FROM \(date))::float8 AS e, 'epoch'::timestamptz AS z"
            ).one()
            #expect(try row.decode("d", as: Date.self) == date)
            #expect(try row.decode("e", as: Double.self) == 1_753_000_000.125)
            #expect(try row.decode("z", as: Date.self) == Date(timeIntervalSince1970: 0))
        }
    }

    @Test("narrow integers and floats widen, wide ones do not narrow") func widening() async throws {
        try await Cluster.withConnection { connection in
            let row = try await connection.query(
                "SELECT 1::int2 AS a, 2::int4 AS b, 3::int8 AS c, 4::oid AS d, 0.5::float4 AS e"
            ).one()
            #expect(try row.decode("a", as: Int.self) == 1)
            #expect(try row.decode("b", as: Int64.self) == 2)
            #expect(try row.decode("a", as: Int32.self) == 1)
            #expect(try row.decode("d", as: Int.self) == 4)
            #expect(try row.decode("e", as: Double.self) == 0.5)
            #expect(await errorCode { _ = try row.decode("c", as: Int32.self) } == .decoding)
        }
    }

    @Test("NULL is read by optionals and refused by others, by name") func nulls() async throws {
        try await Cluster.withConnection { connection in
            let none: Int? = nil
            let row = try await connection.query("SELECT \(none) AS missing, \(Optional(5)) AS five").one()
            let missing: Int? = try row.decode("missing")
            #expect(missing == nil)
            #expect(try row.isNull("missing"))
            #expect(try row.decode("five", as: Int?.self) == 5)
            let error = await postgresError { _ = try row.decode("missing", as: Int.self) }
            #expect(error?.code == .decoding)
            #expect(error?.message.contains("\"missing\" is NULL") == true)
            let array = try await connection.query("SELECT ARRAY[1, NULL]::int8[] AS a").one()
            let inArray = await postgresError { _ = try array.decode("a", as: [Int].self) }
            #expect(inArray?.message.contains("NULL at element 2") == true)
        }
    }

    @Test("a wrong type names the column and both types") func mismatch() async throws {
        try await Cluster.withConnection { connection in
            let row = try await connection.query("SELECT 1::int8 AS n, 1.5::numeric AS x, 'a'::text AS t").one()
            let error = await postgresError { _ = try row.decode("n", as: String.self) }
            #expect(error?.message.contains("\"n\" is int8 and cannot be read as String") == true)
            #expect(await errorCode { _ = try row.decode("x", as: Double.self) } == .decoding)
            #expect(await errorCode { _ = try row.decode("t", as: [String].self) } == .decoding)
            #expect(await postgresError { _ = try row.decode("nix", as: Int.self) }?.message.contains("\"n\"") == true)
            #expect(await errorCode { _ = try row.decode(3, as: Int.self) } == .decoding)
        }
    }

    enum Mood: String, PostgresCodable, PostgresArrayElement, CaseIterable {
        static var postgresArrayType: PostgresType { .textArray }
        case glad, sad
    }

    @Test("enums of the schema read as strings and as Swift enums") func enums() async throws {
        try await Cluster.withConnection { connection in
            let type = Cluster.uniqueName("mood")
            try await connection.query("CREATE TYPE \(identifier: type) AS ENUM ('glad', 'sad', 'odd')")
            let row = try await connection.query(
                """
                SELECT \(Mood.sad)::\(identifier: type) AS m, 'odd'::\(identifier: type) AS o,
                       \([Mood.glad, .sad])::\(raw: type)[] AS a
                """
            ).one()
            #expect(try row.decode("m", as: String.self) == "sad")
            #expect(try row.decode("m", as: Mood.self) == .sad)
            #expect(try row.decode("a", as: [Mood].self) == [.glad, .sad])
            #expect(await errorCode { _ = try row.decode("o", as: Mood.self) } == .decoding)
            try await connection.query("DROP TYPE \(identifier: type)")
        }
    }

    @Test("statements are put together from parts, and identifiers are quoted") func composition() async throws {
        try await Cluster.withConnection { connection in
            let conditions: [SQL] = ["a > \(1)", "b = \("x")"]
            var sql: SQL = "SELECT a AS \(identifier: "odd \"name\"") FROM (VALUES (1, 'x'), (2, 'x')) v(a, b) WHERE "
            sql += conditions.joined(separator: " AND ")
            sql = sql + " AND a < \(10)"
            #expect(sql.text.hasSuffix("WHERE a > $1 AND b = $2 AND a < $3"))
            let result = try await connection.query(sql)
            #expect(try result.map { try $0.decode("odd \"name\"", as: Int.self) } == [2])
        }
    }

    @Test("rowsAffected counts changed rows") func rowsAffected() async throws {
        try await Cluster.withConnection { connection in
            try await connection.query("CREATE TEMP TABLE t (n int8)")
            #expect(try await connection.query("INSERT INTO t SELECT generate_series(1, 5)").rowsAffected == 5)
            #expect(try await connection.query("UPDATE t SET n = n WHERE n > \(3)").rowsAffected == 2)
            #expect(try await connection.query("DELETE FROM t WHERE n = \(99)").rowsAffected == 0)
        }
    }

    @Test("a bytea of 48 MiB goes in and comes out whole") func largeValue() async throws {
        try await Cluster.withConnection { connection in
            var bytes = [UInt8](repeating: 0, count: 48 << 20)
            for index in stride(from: 0, to: bytes.count, by: 4093) { bytes[index] = UInt8(truncatingIfNeeded: index) }
            let row = try await connection.query(
                "SELECT \(bytes) AS b, \(bytes[1000..<70_000]) AS s, \([UInt8]()) AS e"
            ).one()
            #expect(try row.decode("b", as: [UInt8].self) == bytes)
            #expect(try row.decode("s", as: [UInt8].self) == Array(bytes[1000..<70_000]))
            #expect(try row.decode("e", as: [UInt8].self) == [])
        }
    }
}
