import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("registryctl keeps a registry")
struct UpkeepTests {
    @Test("migrates an empty database once, and tells where it stands")
    func migrate() async throws {
        try await withDatabase(migrated: false) { database in
            let before = try await database.registryctl(["migrate", "--status"], actor: nil)
            #expect(before.status == 0, "\(before.errors)")
            #expect(before.rows.allSatisfy { $0.contains("pending") })
            let first = try await database.registryctl(["migrate"], actor: nil)
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("Applied \(before.rows.count) migrations"))
            #expect(try await database.registryctl(["migrate"], actor: nil).output.contains("nothing to apply"))
            struct Status: Decodable {
                struct Migration: Decodable { var migration: String, appliedBy: String? }
                var migrations: [Migration], pending: Int
            }
            let after: Status = try await database.registryctl(["migrate", "--status", "--output", "json"], actor: nil)
                .json()
            #expect(after.pending == 0)
            #expect(after.migrations.first?.migration == "0001_schema_and_roles")
            #expect(after.migrations.allSatisfy { $0.appliedBy != nil })
        }
    }

    @Test("verifies the audit, and finds a row that somebody changed behind its back")
    func audit() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            _ = try await database.registryctl(
                "channel", "move", "mlp", "canary", "--to-release", "1", "--reason", "trial")
            struct Verification: Decodable { var rows: Int64, head: String }
            let whole = try await database.registryctl("audit", "verify", "--output", "json")
            #expect(whole.status == 0, "\(whole.errors)")
            let verification: Verification = try whole.json()
            #expect(verification.rows >= 4)
            #expect(try await database.registryctl("audit", "verify", "--head", verification.head).status == 0)
            let other = String(verification.head.dropLast()) + (verification.head.hasSuffix("0") ? "1" : "0")
            #expect(try await database.registryctl("audit", "verify", "--head", other).status == 7)

            struct Log: Decodable {
                struct Row: Decodable {
                    struct Detail: Decodable { var name: String? }
                    var actor: String, action: String, objectKind: String, detail: Detail
                }
                var items: [Row]
            }
            let log: Log = try await database.registryctl("audit", "log", "--kind", "channel", "--output", "json")
                .json()
            #expect(log.items.map(\.actor) == ["alice", "publisher"])
            #expect(log.items.first?.detail.name == "canary")

            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        UPDATE eclm.audit SET actor = 'mallory' WHERE sequence = 2;
                        """)
            }
            let broken = try await database.registryctl("audit", "verify")
            #expect(broken.status == 7)
            #expect(broken.errors.contains("row 2"))
        }
    }

    @Test("diagnoses a healthy registry, a missing schema and a blob that decayed")
    func doctor() async throws {
        struct Diagnosis: Decodable {
            struct Finding: Decodable { var check: String, state: String, detail: String, advice: String? }
            var findings: [Finding], failed: Int
            subscript(check: String) -> Finding? { findings.first { $0.check == check } }
        }
        try await withDatabase(migrated: false) { database in
            let result = try await database.registryctl(["doctor", "--output", "json"], actor: nil)
            #expect(result.status == 1)
            let diagnosis: Diagnosis = try result.json()
            #expect(diagnosis["server"]?.state == "ok")
            #expect(diagnosis["schema"]?.state == "fail")
            #expect(diagnosis["schema"]?.advice?.contains("registryctl migrate") == true)
            #expect(diagnosis["blobs"]?.state == "skipped")
        }
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let well = try await database.registryctl("doctor", "--output", "json")
            let healthy: Diagnosis = try well.json()
            #expect(well.status == 0 && healthy.failed == 0, "\(well.output)")
            #expect(healthy.findings.map(\.check).contains("clock"))
            #expect(healthy["blobs"]?.detail.contains("11 of 11") == true)

            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        UPDATE eclm.blob_chunks SET data = set_byte(data, 0, 255 - get_byte(data, 0));
                        """)
            }
            let ill = try await database.registryctl("doctor")
            #expect(ill.status == 1)
            #expect(ill.output.contains("blobs: restore"))
        }
        let away = try await Program("registryctl", ["doctor", "--database", "host=/nonexistent"]).finish()
        #expect(away.status == 1)
        #expect(away.output.contains("fail"))
    }

    @Test("numbers on far behind what a restored database may have forgotten")
    func restored() async throws {
        struct Restored: Decodable {
            struct Model: Decodable { var model: String, lastRelease: Int, firstNumber: Int }
            var incarnation: Int, models: [Model]
        }
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            #expect(try await database.registryctl("restored").status == 64)
            let result: Restored = try await database.registryctl(
                "restored", "--reason", "snapshot", "--output", "json"
            ).json()
            #expect(result.incarnation == 2)
            #expect(result.models.map(\.firstNumber) == [100_001] && result.models.map(\.lastRelease) == [1])
            let table = try await database.registryctl("restored", "--reason", "again")
            #expect(table.rows == [["mlp", "1", "200001"]], "\(table.output)")
            #expect(try await database.registryctl("audit", "verify").status == 0)
        }
    }

    @Test("collects blobs that nothing refers to, and no others")
    func garbage() async throws {
        struct Collected: Decodable { var blobs: Int, bytes: Int64, uploads: Int }
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let bytes = testBytes(1000)
            try await model.registry.blobs.put(bytes, digest: .of(bytes))
            let kept: Collected = try await database.registryctl("gc", "--output", "json").json()
            #expect(kept.blobs == 0)
            try await Task.sleep(for: .milliseconds(20))
            let collected: Collected = try await database.registryctl("gc", "--grace", "0s", "--output", "json").json()
            #expect(collected.blobs == 1 && collected.bytes == 1000)
            #expect(try await database.pool.query("SELECT FROM eclm.blobs").count == model.manifest.modules.count)
        }
    }
}
