import ECLMCore
import Foundation
import PostgreSQL
import RPC
import Registry
import TestSupport
import Testing
import Trainer

@Suite("trainerd as a region", .serialized)
struct TrainerdRegionTests {
    /// A region as operators run it: a state directory that `edgectl register` made, and a trainerd.
    private struct Place {
        var name: String
        var database: TestDatabase
        var model: ModelFixture
        var state: URL
        var endpoint: RPCEndpoint

        func trainer(_ arguments: String...) -> Program {
            Program(
                "trainerd",
                [
                    "--parent", "\(endpoint)", "--parent-state", state.path, "--minimum-updates", "2",
                    "--maximum-updates", "5", "--maximum-wait", "1", "--poll-interval", "1", "--log-level", "critical",
                ] + arguments,
                environment: ["ECLM_DATABASE": database.connectionString(as: .region)])
        }

        func once() async throws -> Program.Result { try await trainer("--once", "--output", "json").finish() }
    }

    /// Registers a region at the parent and lets it mirror the release.
    private func withPlace(
        _ name: String, of parent: ModelFixture, _ endpoint: RPCEndpoint, _ body: (Place) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let state = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-region-\(UUID())")
            defer { try? FileManager.default.removeItem(at: state) }
            let registered = try await Program(
                "edgectl",
                [
                    "register", "--id", name, "--class", ModelFixture.deviceClass, "--state", state.path, "--endpoint",
                    "\(endpoint)",
                ]
            ).finish()
            try #require(registered.status == 0, "\(registered.errors)")
            let model = try await ModelFixture.mirror(of: parent, in: RegionTree.registry(database.pool))
            let place = Place(name: name, database: database, model: model, state: state, endpoint: endpoint)
            let mirrored = try await place.once()
            try #require(mirrored.status == 0, "\(mirrored.errors)")
            try await body(place)
        }
    }

    private struct Once: Decodable {
        struct Round: Decodable { var round: Int?, release: Int?, updates: [Int64], partials: Int, bytes: Int64 }
        var rounds: [Round], notHandedOver: Int
    }

    private struct Listing<Item: Decodable>: Decodable { var items: [Item] }
    private struct HandOver: Decodable {
        var round: Int, model: String, region: String, parentRelease: Int, updates: Int64, state: String
        var parentUpdate: Int64?, attempts: Int, reason: String?
    }
    private struct PartialUpdate: Decodable {
        var update: Int64, region: String, rule: String, modules: Int64, inputs: Int, deviceUpdates: Int64
        var status: String
    }

    private func listing<Item: Decodable>(
        _ database: TestDatabase, _ arguments: String..., of type: Item.Type = Item.self
    ) async throws -> [Item] {
        let result = try await Program(
            "registryctl", ["regions"] + arguments + ["--output", "json", "--all"],
            environment: ["ECLM_DATABASE": database.connectionString(as: .reader)]
        ).finish()
        try #require(result.status == 0, "\(result.errors)")
        return try result.json(Listing<Item>.self).items
    }

    @Test("mirrors, makes a round, hands it over, and registryctl lists it on both sides")
    func once() async throws {
        try await RegionTree.withParent { parent, database, endpoint in
            try await withPlace("north", of: parent, endpoint) { place in
                for device in 0..<3 { _ = try await RegionTree.submit(device, to: place.model) }
                let result = try await place.once()
                #expect(result.status == 0, "\(result.errors)")
                let once: Once = try result.json()
                #expect(once.rounds.map(\.updates.count) == [3] && once.rounds.map(\.partials) == [3])
                #expect(once.rounds.first?.release == nil && once.notHandedOver == 0)

                let handed: [HandOver] = try await listing(place.database, "hand-overs", "--model", "mlp")
                #expect(handed.map(\.state) == ["taken"] && handed.map(\.updates) == [3])
                #expect(handed.first?.region == "north" && handed.first?.parentRelease == 1)
                let taken: [PartialUpdate] = try await listing(database)
                #expect(taken.map(\.update) == handed.map(\.parentUpdate))
                #expect(taken.map(\.deviceUpdates) == [3] && taken.map(\.inputs) == [3])
                #expect(taken.first?.rule == "importance_mean" && taken.first?.status == "pending")

                let root = try await Program(
                    "trainerd", ["--once"], environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)]
                ).finish()
                #expect(root.status == 0, "\(root.errors)")
                #expect(try await place.once().status == 0)
                let settled: [HandOver] = try await listing(place.database, "hand-overs")
                #expect(settled.map(\.state) == ["aggregated"])
                #expect(
                    try await place.model.versions().mapValues(\.digest)
                        == (try await parent.versions()).mapValues(\.digest))
                for (folder, word) in [(database, "importance_mean"), (place.database, "north")] {
                    let table = try await Program(
                        "registryctl", ["regions"] + (word == "north" ? ["hand-overs"] : []),
                        environment: ["ECLM_DATABASE": folder.connectionString]
                    ).finish()
                    #expect(table.output.contains(word) && table.output.contains("aggregated"), "\(table.output)")
                }
            }
        }
    }

    @Test("keeps what it made while the parent is away, and ends with 5; wrong settings end with 4")
    func refusals() async throws {
        try await RegionTree.withParent { parent, _, endpoint in
            try await withPlace("north", of: parent, endpoint) { place in
                _ = try await RegionTree.submit(1, to: place.model)
                let lost = try await Program(
                    "trainerd",
                    ["--once", "--parent", "unix:\(place.state.path)/none", "--parent-state", place.state.path],
                    environment: ["ECLM_DATABASE": place.database.connectionString(as: .region)]
                ).finish(timeout: .seconds(100))
                #expect(lost.status == 5, "\(lost.errors)")
                let wrong: [([String], TestRole, String)] = [
                    (["--parent", "\(endpoint)"], .region, "parent-state"),
                    (["--parent-state", place.state.path], .region, "parents"),
                    (["--parent", "nowhere", "--parent-state", place.state.path], .region, "endpoint"),
                    (
                        ["--parent", "\(endpoint)", "--parent-state", place.state.path + "/new"], .region,
                        "edgectl register"
                    ),
                    (["--parent", "\(endpoint)", "--parent-state", place.state.path], .trainer, "eclm_publisher"),
                ]
                for (arguments, role, word) in wrong {
                    let result = try await Program(
                        "trainerd", ["--once"] + arguments,
                        environment: ["ECLM_DATABASE": place.database.connectionString(as: role)]
                    ).finish()
                    #expect(result.status == 4 && result.errors.contains(word), "\(arguments): \(result.errors)")
                }
                #expect(try await place.once().status == 0)
                let handed: [HandOver] = try await listing(place.database, "hand-overs")
                #expect(handed.map(\.state) == ["taken"])
            }
        }
    }

    private static let kills = 8
    private static let devices = 3
    private static let updatesEach = 24

    /// Devices submit to a region while its trainerd is killed and started again.
    private func disturb(_ place: Place, seed: UInt64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var random = SplitMix64(seed: seed)
                for _ in 0..<Self.kills {
                    let program = place.trainer()
                    try program.start()
                    try await Task.sleep(for: .milliseconds(Int.random(in: 400...1200, using: &random)))
                    program.send(SIGKILL)
                    #expect(try await program.finish().status == SIGKILL)
                }
            }
            for device in 0..<Self.devices {
                group.addTask {
                    var random = SplitMix64(seed: seed &+ UInt64(device) &+ 1)
                    for update in 0..<Self.updatesEach {
                        try await place.model.submit(
                            [
                                .init("l0.m00", importance: .random(in: 0...1, using: &random)),
                                .init(["stem0", "l1.m01", "head0"].randomElement(using: &random) ?? "stem0"),
                            ], from: "\(place.name)-\(device)", key: "\(update)", seed: random.next() >> 12)
                        try await Task.sleep(for: .milliseconds(Int.random(in: 50...350, using: &random)))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("killed at random: every update is in one hand-over, and each hand-over is one update of the parent")
    func killed() async throws {
        try await RegionTree.withParent { parent, database, endpoint in
            try await withPlace("north", of: parent, endpoint) { north in
                try await withPlace("south", of: parent, endpoint) { south in
                    let root = Program(
                        "trainerd",
                        [
                            "--minimum-updates", "2", "--maximum-wait", "1", "--poll-interval", "1", "--log-level",
                            "critical",
                        ],
                        environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)])
                    try root.start()
                    async let left: Void = disturb(north, seed: 20_261_124)
                    async let right: Void = disturb(south, seed: 20_261_125)
                    _ = try await (left, right)
                    root.send(SIGKILL)
                    _ = try await root.finish()

                    for place in [north, south] {
                        let end = ContinuousClock.now + .seconds(30)
                        while ContinuousClock.now < end, try await pending(place.database) > 0 {
                            let result = try await place.once()
                            #expect(result.status == 0, "\(result.errors)")
                        }
                    }
                    let drained = try await Program(
                        "trainerd", ["--once"], environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)]
                    ).finish()
                    #expect(drained.status == 0, "\(drained.errors)")
                    try await RegionTree.expectWhole(database)
                    #expect(try await pending(database) == 0)
                    var handedOver = 0
                    for place in [north, south] {
                        #expect(try await place.once().status == 0)
                        handedOver += try await expectOnce(place, at: database)
                    }
                    let updates = try await database.pool.query("SELECT count(*) AS n FROM eclm.updates").one()
                    #expect(try updates.decode("n", as: Int.self) == handedOver && handedOver >= 8)
                    for place in [database, north.database, south.database] {
                        let replay = try await Program(
                            "registryctl", ["rounds", "replay", "mlp", "--all"],
                            environment: ["ECLM_DATABASE": place.connectionString]
                        ).finish()
                        #expect(replay.status == 0, "\(replay.errors)")
                    }
                }
            }
        }
    }

    private func pending(_ database: TestDatabase) async throws -> Int {
        try await database.pool.query("SELECT count(*) AS n FROM eclm.updates WHERE status = 'pending'").one().decode(
            "n")
    }

    /// All of a region's updates were counted, and its parent's documents name each of them once for a module.
    ///
    /// - Returns: How many hand-overs there were.
    private func expectOnce(_ place: Place, at parent: TestDatabase) async throws -> Int {
        try await RegionTree.expectWhole(place.database)
        #expect(try await pending(place.database) == 0)
        let states = try await place.database.pool.query(
            "SELECT state, parent_update_id FROM eclm.hand_overs"
        ).map { try $0.decode("state", as: String.self) }
        #expect(states.allSatisfy { $0 == "aggregated" }, "\(states)")
        let counted = try await place.database.pool.query(
            """
            SELECT m.name AS module, um.update_id::text AS input FROM eclm.round_updates
            JOIN eclm.update_modules um USING (update_id) JOIN eclm.modules m USING (module_id)
            """
        ).map { "\(try $0.decode("module", as: String.self)) \(try $0.decode("input", as: String.self))" }
        #expect(counted.count == 2 * Self.devices * Self.updatesEach)
        let named = try await parent.pool.query(
            """
            SELECT i.module, i.input FROM eclm.partial_inputs i JOIN eclm.round_updates USING (update_id)
            WHERE i.region = \(place.name)
            """
        ).map { "\(try $0.decode("module", as: String.self)) \(try $0.decode("input", as: String.self))" }
        #expect(counted.sorted() == named.sorted())
        return states.count
    }
}
