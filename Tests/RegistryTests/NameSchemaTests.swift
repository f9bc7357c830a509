import ECLMCore
import PostgreSQL
import TestSupport
import Testing

@Suite("The schema's rules for names")
struct NameSchemaTests {
    private static let texts = [
        "a", "A", "0", ".a", "-a", "_a", ":a", "a.b", "a-b", "a_b", "a:b", "a b", "a,b", "a/b", "a+b", "a\\b", "a'b",
        "a]b",
        "é", "e\u{301}", "K", "\u{212A}", "a\n", "a\nb", "\u{7F}", "\u{1}", "~", "!", "", " ", "a\u{A0}b",
        String(repeating: "a", count: 64), String(repeating: "a", count: 65), String(repeating: "a", count: 128),
        String(repeating: "a", count: 129), String(repeating: "a", count: 256), String(repeating: "a", count: 257),
    ]

    @Test("are those of the programs, text by text")
    func agreement() async throws {
        try await withDatabase { database in
            try await database.withConnection(as: .superuser) { connection in
                func isTaken(_ statement: SQL) async throws -> Bool {
                    do {
                        try await connection.query(statement)
                        return true
                    } catch let error as PostgresError {
                        #expect(error.sqlState == "23514", "\(error)")
                        return false
                    }
                }
                for text in Self.texts {
                    let name = try await isTaken("SELECT \(text)::text::eclm.name")
                    #expect(name == NameRule.model.allows(text), "name \(text.debugDescription)")
                    let device = try await isTaken("SELECT \(text)::text::eclm.device_name")
                    #expect(device == NameRule.device.allows(text), "device \(text.debugDescription)")
                    let operators = try await isTaken(
                        """
                        INSERT INTO eclm.device_classes (name, memory, flops, dtypes, operators, runtime)
                        VALUES ('c', 1, 1, '{F32}', \([text, "linear"]), '{1,0,0}')
                        ON CONFLICT (name) DO UPDATE SET operators = excluded.operators
                        """)
                    #expect(operators == NameRule.operator.allows(text), "operator \(text.debugDescription)")
                    guard !text.isEmpty else { continue }  // without one, the login is the actor
                    try await connection.query("SELECT set_config('eclm.actor', \(text), false)")
                    let actor = try await isTaken("SELECT eclm.actor()")
                    #expect(actor == NameRule.actor.allows(text), "actor \(text.debugDescription)")
                    try await connection.query("SELECT set_config('eclm.actor', '', false)")
                }
                #expect(
                    try await isTaken("UPDATE eclm.device_classes SET operators = '{}' WHERE name = 'c'"))
            }
        }
    }
}
