import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Regions
@testable import Trainer

@Suite("A parent that was restored from a backup", .serialized)
struct RestoredParentTests {
    private func withBackup(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-parent-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test("is handed over again what it had taken and forgot, and its new numbers are not taken for older ones")
    func forgotten() async throws {
        try await RegionTree.with(["north"]) { parent, database, places in
            try await withBackup { backup in
                let place = places[0]
                try await database.dump(to: backup)
                // Releases and an update that the backup does not have.
                try await parent.submit([.init("l1.m00")], from: "direct", seed: 5)
                let root = try Trainer(
                    registry: RegionTree.registry(database.pool), name: "root", logger: RegionTree.quiet)
                #expect(try await root.runRound(model: parent.name)?.release == 2)
                for device in 0..<2 { _ = try await RegionTree.submit(device, to: place.model) }
                _ = try await place.round()
                #expect(try await place.region.handOver() == 0)
                let first = try #require(try await place.region.registry.handOvers().items.first)
                #expect(first.state == .taken)
                try await place.region.follow()
                let mirrored = try await place.model.versions()

                try await database.restore(from: backup)
                #expect(try await place.region.handOver() == 0)
                let again = try #require(try await place.region.registry.handOvers().items.first)
                #expect(again.state == .taken && again.parentUpdateID != first.parentUpdateID)
                #expect((again.parentUpdateID?.rawValue ?? 0) > 1_000_000_000)
                try await place.region.follow()
                #expect(try await place.model.versions()["l1.m00"]?.digest != mirrored["l1.m00"]?.digest)

                let outcome = try #require(try await root.runRound(model: parent.name))
                #expect(outcome.release == 100_001 && outcome.quarantined.isEmpty, "\(outcome)")
                try await place.region.follow()
                #expect(
                    try await place.model.versions().mapValues(\.digest) == parent.versions().mapValues(\.digest))
                #expect(try await place.region.handOver() == 0)
                #expect(try await place.region.registry.handOvers().items.map(\.state) == [.aggregated])
                try await place.expectWhole()
                try await RegionTree.expectWhole(database)
            }
        }
    }

    @Test("is given nothing that was made from a release which it forgot")
    func lostBase() async throws {
        try await RegionTree.with(["north"]) { parent, database, places in
            try await withBackup { backup in
                let place = places[0]
                try await database.dump(to: backup)
                try await parent.submit([.init("l0.m00")], from: "direct", seed: 5)
                let root = try Trainer(
                    registry: RegionTree.registry(database.pool), name: "root", logger: RegionTree.quiet)
                #expect(try await root.runRound(model: parent.name)?.release == 2)
                try await place.region.follow()
                _ = try await RegionTree.submit(1, to: place.model)
                _ = try await place.round()

                try await database.restore(from: backup)
                #expect(try await place.region.handOver() == 0)
                let record = try #require(try await place.region.registry.handOvers().items.first)
                #expect(record.state == .refused && record.reason?.contains("no release 2") == true, "\(record)")
                #expect(try await parent.registry.updates().items.isEmpty)
                // The region goes on from what the parent has now.
                try await place.region.follow()
                #expect(
                    try await place.model.versions().mapValues(\.digest) == parent.versions().mapValues(\.digest))
                try await place.expectWhole()
            }
        }
    }
}

@Suite("A region's own trouble", .serialized)
struct RegionTroubleTests {
    @Test("holds up the round alone whose bytes are lost, and gives it up for nothing")
    func lostPartial() async throws {
        try await RegionTree.with(["north"]) { _, _, places in
            let place = places[0]
            for device in 0..<2 {
                _ = try await RegionTree.submit(device, to: place.model)
                _ = try await place.round()
            }
            try await place.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        CREATE TABLE public.lost_chunks (LIKE eclm.blob_chunks);
                        WITH lost AS (DELETE FROM eclm.blob_chunks WHERE storage_id = (SELECT b.storage_id
                            FROM eclm.partials p JOIN eclm.blobs b USING (digest) ORDER BY p.round_id, p.module_id LIMIT 1)
                            RETURNING *)
                        INSERT INTO public.lost_chunks SELECT * FROM lost;
                        """)
            }
            #expect(try await place.region.handOver() == 1)
            let records = try await place.region.registry.handOvers().items.sorted { $0.round < $1.round }
            #expect(records.map(\.state) == [.waiting, .taken])
            #expect(records.first?.reason?.contains("restore") == true, "\(records)")
            try await place.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        INSERT INTO eclm.blob_chunks SELECT * FROM public.lost_chunks;
                        """)
            }
            #expect(try await place.region.handOver() == 0)
            #expect(try await place.region.registry.handOvers().items.allSatisfy { $0.state == .taken })
        }
    }
}
