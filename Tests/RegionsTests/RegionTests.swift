import Core
import EdgeClient
import Foundation
import Logging
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@testable import Regions
@testable import Trainer

@Suite("Regions of a parent, over sockets", .serialized)
struct RegionTests {
    @Test("Two regions and their parent make what one place makes of the same six updates, and each counts once")
    func equalsFlat() async throws {
        try await RegionTree.with(["north", "south"]) { parent, database, places in
            for device in 0..<6 { _ = try await RegionTree.submit(device, to: places[device % 2].model) }
            for place in places {
                let outcome = try await place.round()
                #expect(outcome.updates.count == 3 && outcome.partials == 3 && outcome.release == nil)
                #expect(try await place.region.handOver() == 0)
                // Again, as after a crash before it was noted.
                try await place.database.withConnection {
                    try await $0.execute(
                        script: """
                            ALTER TABLE eclm.hand_overs DISABLE TRIGGER USER;
                            UPDATE eclm.hand_overs SET state = 'waiting', parent_update_id = NULL;
                            ALTER TABLE eclm.hand_overs ENABLE TRIGGER USER;
                            """)
                }
                #expect(try await place.region.handOver() == 0)
            }
            let root = try Trainer(registry: RegionTree.registry(database.pool), name: "root", logger: RegionTree.quiet)
            let outcome = try #require(try await root.runRound(model: parent.name))
            #expect(outcome.updates.count == 2 && outcome.quarantined.isEmpty && outcome.newVersions == 3)
            let tree = try await parent.versions()
            let inputs = try await database.pool.query(
                """
                SELECT DISTINCT i.region, i.input, i.digest FROM eclm.lineage l
                JOIN eclm.module_versions v USING (module_version_id)
                JOIN eclm.partial_inputs i ON i.update_id = l.update_id AND i.module_id = v.module_id
                WHERE i.module = 'l0.m00'
                """)
            #expect(inputs.count == 6)
            #expect(try await database.pool.query("SELECT FROM eclm.partial_problems").isEmpty)
            #expect(try await database.pool.query("SELECT FROM eclm.lineage_problems").isEmpty)
            for place in places {
                try await place.region.handOver()
                try await place.region.follow()
                #expect(try await place.region.registry.handOvers().items.map(\.state) == [.aggregated])
                let replay = try await RoundReplayer(registry: place.region.registry).replay(round: 1, of: parent.name)
                #expect(replay.isEqual && replay.modules.count == 3, "\(replay)")
                #expect(try await place.model.versions().mapValues(\.digest) == tree.mapValues(\.digest))
                try await place.expectWhole()
            }
            try await withDatabase { flatDatabase in
                let flat = try await ModelFixture.publish(in: flatDatabase)
                for device in 0..<6 { _ = try await RegionTree.submit(device, to: flat) }
                let trainer = try Trainer(
                    registry: RegionTree.registry(flatDatabase.pool), name: "flat", logger: RegionTree.quiet)
                _ = try #require(try await trainer.runRound(model: flat.name))
                let versions = try await flat.versions()
                for module in ["l0.m00", "stem0", "l1.m01"] {
                    let one = try await parent.tensors(try #require(tree[module]).digest)
                    let other = try await flat.tensors(try #require(versions[module]).digest)
                    for (name, values) in one {
                        for (left, right) in zip(values, try #require(other[name])) {
                            #expect(abs(left - right) <= 0x1p-22 * max(1, abs(right)), "\(module) \(name)")
                        }
                    }
                }
            }
        }
    }

    @Test("A rule that is no mean is refused in the region, and put into quarantine by the parent")
    func refusesOtherRules() async throws {
        try await RegionTree.with(["north"]) { parent, database, places in
            let place = places[0]
            let id = try await RegionTree.submit(1, to: place.model)
            var change = PolicyChange()
            change.rule = "median"
            let set = Provenance(actor: "operator", reason: "test")
            _ = try await place.region.registry.setPolicy(of: "mlp", change, as: set)
            let error = await #expect(throws: TrainerError.self) { try await place.trainer.runRound(model: "mlp") }
            #expect(error?.code == .registryUnfit)
            #expect(try await place.region.registry.update(id).status == .pending)
            change.rule = "importance_mean"
            _ = try await place.region.registry.setPolicy(of: "mlp", change, as: set)
            _ = try await place.round()
            try await place.region.handOver()
            change.rule = "sample_mean"
            _ = try await parent.registry.setPolicy(of: "mlp", change, as: set)
            let root = try Trainer(registry: RegionTree.registry(database.pool), name: "root", logger: RegionTree.quiet)
            let outcome = try #require(try await root.runRound(model: "mlp"))
            #expect(outcome.quarantined.count == 1 && outcome.round == nil)
            try await place.region.handOver()
            let record = try #require(try await place.region.registry.handOvers().items.first)
            #expect(record.state == .quarantined && record.reason?.contains("sample_mean") == true)
        }
    }

    @Test("After a rollback at the parent the region serves the new head and refuses what was trained on the old one")
    func followsRollback() async throws {
        try await RegionTree.with(["north"]) { parent, database, places in
            let place = places[0]
            _ = try await RegionTree.submit(1, to: place.model)
            _ = try await place.round()
            try await place.region.handOver()
            let root = try Trainer(registry: RegionTree.registry(database.pool), name: "root", logger: RegionTree.quiet)
            _ = try #require(try await root.runRound(model: "mlp"))
            try await place.region.follow()
            let late = try await RegionTree.submit(2, to: place.model)
            _ = try await parent.registry.rollback(
                "mlp", channel: "stable", to: .release(1), as: Provenance(actor: "operator", reason: "worse"))
            try await place.region.follow()
            try await place.region.follow()
            #expect(
                try await place.model.versions().mapValues(\.digest)
                    == (try await parent.versions()).mapValues(\.digest))
            let outcome = try await place.round()
            #expect(outcome.quarantined.map(\.updateID) == [late])
            #expect(try await place.region.registry.update(late).quarantineReason?.contains("rolled back") == true)
            try await place.expectWhole()
        }
    }

    @Test("What a region hands its parent takes as many bytes, however many devices are behind it")
    func handsOverTheSame() async throws {
        try await RegionTree.with(["north"]) { _, _, places in
            var bytes: [Int64] = []
            for devices in [1..<2, 2..<12] {
                for device in devices { _ = try await RegionTree.submit(device, to: places[0].model) }
                bytes.append(try await places[0].round().bytes)
            }
            #expect(bytes[0] == bytes[1] && bytes[0] > 0)
        }
    }

    @Test("A login that lacks one of the roles is told which")
    func roles() async throws {
        try await RegionTree.with(["north"]) { _, _, places in
            try await places[0].region.checkRoles()
            try await places[0].database.withPool(as: .trainer) { pool in
                let region = places[0].region
                let lesser = Region(
                    registry: RegionTree.registry(pool), parent: region.parent, parentName: region.parentName,
                    name: region.name, policy: region.policy, logger: RegionTree.quiet)
                let error = await #expect(throws: RegistryError.self) { try await lesser.checkRoles() }
                #expect(error?.code == .permissionDenied)
                let message = error?.message ?? ""
                #expect(message.contains("eclm_publisher, eclm_operator:"), "\(message)")
            }
        }
    }
}
