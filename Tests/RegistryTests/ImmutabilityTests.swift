import PostgreSQL
import TestSupport
import Testing

@Suite("The procedure that makes tables immutable")
struct ImmutabilityTests {
    private func sqlState(_ statement: String, on connection: PostgresConnection) async throws -> String? {
        do {
            try await connection.execute(script: statement)
            return nil
        } catch let error as PostgresError {
            return error.sqlState
        }
    }

    @Test("leaves inserting as the only change of their rows")
    func attach() async throws {
        try await withDatabase { database in
            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        CREATE TABLE eclm.notes (x int);
                        CREATE TABLE eclm."Odd name" (x int);
                        CREATE TABLE eclm.others (x int);
                        CALL eclm.make_immutable('eclm.notes', 'eclm."Odd name"');
                        """)
                for table in ["eclm.notes", #"eclm."Odd name""#] {
                    try await connection.execute(script: "INSERT INTO \(table) VALUES (1), (2)")
                    for change in ["UPDATE \(table) SET x = 3", "DELETE FROM \(table)", "TRUNCATE \(table)"] {
                        #expect(try await sqlState(change, on: connection) == "EC001", "\(change)")
                    }
                    try await connection.execute(script: "INSERT INTO \(table) VALUES (3)")
                    let rows = try await connection.query("SELECT x FROM \(raw: table) ORDER BY x")
                    #expect(try rows.map { try $0.decode("x", as: Int32.self) } == [1, 2, 3])
                }
                try await connection.execute(script: "INSERT INTO eclm.others VALUES (1); DELETE FROM eclm.others")
            }
        }
    }

    @Test("is the owner's alone", arguments: TestRole.allCases.filter { $0 != .superuser })
    func privileges(role: TestRole) async throws {
        try await withDatabase { database in
            try await database.withConnection(as: role) { connection in
                let state = try await sqlState("CALL eclm.make_immutable('eclm.models')", on: connection)
                #expect(state == "42501")
            }
        }
    }
}
