import ECLMCore
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
                try await expectClose(parent, tree, flat, try await flat.versions(), within: 0x1p-22)
            }
        }
    }

    @Test("A region of a region hands over what the root weighs as the devices below, and its lineage counts them")
    func threeLevels() async throws {
        try await RegionTree.with(["north"]) { root, database, places in
            let north = places[0]
            try await RegionTree.serving(north.database) { endpoint in
                try await RegionTree.grow(["town"], [], north.model, endpoint) { towns in
                    let town = towns[0]
                    for device in 0..<2 { _ = try await RegionTree.submit(device, to: town.model) }
                    _ = try await town.round()
                    #expect(try await town.region.handOver() == 0)
                    _ = try await RegionTree.submit(2, to: north.model)
                    #expect(try await north.round().updates.count == 2)
                    #expect(try await north.region.handOver() == 0)
                    let trainer = try Trainer(
                        registry: RegionTree.registry(database.pool), name: "root", logger: RegionTree.quiet)
                    _ = try #require(try await trainer.runRound(model: root.name))
                    let counts = try await database.pool.query(
                        """
                        SELECT i.region, sum(i.updates)::bigint AS updates, count(i.lineage) AS nested
                        FROM eclm.partial_inputs i WHERE i.module = 'l0.m00' GROUP BY i.region
                        """
                    ).one()
                    #expect(try counts.decode("region", as: String.self) == "north")
                    #expect(try counts.decode("updates", as: Int.self) == 3)
                    #expect(try counts.decode("nested", as: Int.self) == 1)
                    // The release comes down both levels.
                    try await north.region.follow()
                    try await town.region.follow()
                    let tree = try await root.versions()
                    #expect(try await town.model.versions().mapValues(\.digest) == tree.mapValues(\.digest))
                    for place in [north, town] {
                        let replay = try await RoundReplayer(registry: place.region.registry).replay(
                            round: 1, of: root.name)
                        #expect(replay.isEqual, "\(replay)")
                        try await place.expectWhole()
                    }
                    try await withDatabase { flatDatabase in
                        let flat = try await ModelFixture.publish(in: flatDatabase)
                        for device in 0..<3 { _ = try await RegionTree.submit(device, to: flat) }
                        let trainer = try Trainer(
                            registry: RegionTree.registry(flatDatabase.pool), name: "flat", logger: RegionTree.quiet)
                        _ = try #require(try await trainer.runRound(model: flat.name))
                        try await expectClose(root, tree, flat, try await flat.versions(), within: 0x1p-21)
                    }
                }
            }
        }
    }

    /// The trained modules differ by rounding alone.
    private func expectClose(
        _ model: ModelFixture, _ versions: [String: ModuleVersionRecord], _ other: ModelFixture,
        _ others: [String: ModuleVersionRecord], within tolerance: Double
    ) async throws {
        for module in ["l0.m00", "stem0", "l1.m01"] {
            let one = try await model.tensors(try #require(versions[module]).digest)
            let second = try await other.tensors(try #require(others[module]).digest)
            for (name, values) in one {
                for (left, right) in zip(values, try #require(second[name])) {
                    #expect(abs(left - right) <= tolerance * max(1, abs(right)), "\(module) \(name)")
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
