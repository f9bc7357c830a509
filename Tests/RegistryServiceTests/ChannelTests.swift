import ECLMCore
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Channels")
struct ChannelTests {
    private func history(_ server: TestServer, _ channel: String = "stable") async throws -> [Wire.ChannelMove] {
        try await server.call(ChannelServiceAPI.channelHistory) {
            $0.model = "mlp"
            $0.channel = channel
        }.moves
    }

    private func move(_ server: TestServer, _ channel: String, to release: Int32) async throws -> Wire.Release {
        try await server.call(ChannelServiceAPI.moveChannel) {
            $0.model = "mlp"
            $0.channel = channel
            $0.release = release
            $0.reason = "because"
        }.release
    }

    private func watch(
        _ server: TestServer, after release: Int32, wait: Int32, channel: String = "stable"
    ) async throws -> Wire.WatchResponse {
        try await server.call(ChannelServiceAPI.watch) {
            $0.model = "mlp"
            $0.channel = channel
            $0.afterRelease = release
            $0.waitMs = wait
        }
    }

    @Test("keep the history of their moves: who, when, why", arguments: Transport.allCases)
    func movesAndHistory(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2, channel: "canary")
            let moved = try await move(server, "stable", to: 2)
            #expect(moved.number == 2)
            #expect(moved.channels == ["canary", "stable"])
            _ = try await move(server, "stable", to: 1)
            // Pointing to where it points already is no move.
            _ = try await move(server, "stable", to: 1)
            let moves = try await history(server)
            #expect(moves.map(\.revision) == [3, 2, 1])
            #expect(moves.map(\.fromRelease) == [2, 1, nil])
            #expect(moves.map(\.toRelease) == [1, 2, 1])
            #expect(moves.map(\.action) == ["move", "move", "create"])
            #expect(moves.map(\.reason) == ["because", "because", ""])
            #expect(moves.allSatisfy { $0.movedAtUs > 1_600_000_000_000_000 })
            #expect(moves.first?.movedBy.hasPrefix("anonymous@") == true)
            #expect(try await history(server, "canary").map(\.toRelease) == [2])
            let channels = try await server.call(ChannelServiceAPI.listChannels) { $0.model = "mlp" }.channels
            #expect(channels.map(\.channel) == ["canary", "stable"])
            #expect(channels.map(\.release) == [2, 1])
        }
    }

    @Test("are moved to releases that exist, under names that are names", arguments: Transport.allCases)
    func badMoves(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let before = try await server.written()
            await refused(.notFound, "no release 2") { try await move(server, "stable", to: 2) }
            await refused(.invalidArgument, "\"Bad Name\"", "lower-case") { try await move(server, "Bad Name", to: 1) }
            await refused(.invalidArgument, "channel") { try await move(server, "", to: 1) }
            await refused(.notFound, "no channel \"beta\"") { try await history(server, "beta") }
            #expect(try await server.written() == before)
        }
    }

    @Test("wake who watches as soon as another connection moves them", arguments: Transport.allCases)
    func wake(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let other = server.with()
            let started = ContinuousClock.now
            async let answer = watch(server, after: 1, wait: 15_000)
            try await Task.sleep(for: .milliseconds(200))
            try await other.publish(changing: ["l0.m00"], seed: 2)
            let watched = try await answer
            #expect(watched.release == 2)
            #expect(watched.changed)
            #expect(started.duration(to: .now) < .seconds(10))
        }
    }

    @Test(
        "let a server that shuts down answer who watches at once, as unchanged", .timeLimit(.minutes(1)),
        arguments: Transport.allCases)
    func watchAtShutdown(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            // Each would take four minutes.
            let watches = (0..<5).map { _ in
                Task {
                    try await server.call(ChannelServiceAPI.watch, timeout: .seconds(290)) {
                        ($0.model, $0.afterRelease, $0.waitMs) = ("mlp", 1, 240_000)
                    }
                }
            }
            #expect(try await eventually { server.server.rpc.statistics.inFlight == 5 })
            await server.server.rpc.shutDown(within: .seconds(3600))
            for watch in watches {
                let answer = try await watch.value
                #expect(!answer.changed)
                #expect(answer.release == 1)
            }
            // One that comes later is sent on to another server.
            let late = await #expect(throws: RPCError.self) {
                try await server.call(ChannelServiceAPI.watch) { ($0.model, $0.afterRelease) = ("mlp", 1) }
            }
            #expect(late?.isRetryable == true)
        }
    }

    @Test("wake who watches when another server or a trainer moves them")
    func wakeByNotification() async throws {
        try await withServer { server in
            async let answer = watch(server, after: 1, wait: 15_000)
            try await Task.sleep(for: .milliseconds(300))
            // The fixture's registry knows nothing of this server.
            let bytes = try server.model.weights(of: "l0.m00", seed: 5)
            var manifest = server.model.manifest
            manifest.modules = manifest.modules.filter { $0.name == "l0.m00" }
            manifest.modules[0].digest = Digest.of(bytes)
            try await server.model.registry.blobs.put(bytes, digest: Digest.of(bytes))
            _ = try await server.model.registry.publish(manifest, channel: "stable", as: Provenance(actor: "other"))
            let watched = try await answer
            #expect(watched.release == 2)
            #expect(watched.changed)
        }
    }

    @Test("no move is missed by hundreds who watch through many of them")
    func manyWatchers() async throws {
        try await withServer { server in
            try await server.publish(changing: ["l0.m00"], seed: 2, channel: "canary")
            try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        var seen: Int32 = 1
                        var changes: Int32 = 0
                        while changes < 3 {
                            let answer = try await watch(server, after: seen, wait: 15_000)
                            guard answer.changed else { return changes }
                            seen = answer.release
                            changes += 1
                        }
                        return changes
                    }
                }
                for target: Int32 in [2, 1, 2] {
                    try await Task.sleep(for: .milliseconds(150))
                    _ = try await move(server, "stable", to: target)
                }
                for try await changes in group { #expect(changes == 3) }
            }
        }
    }

    @Test("answer unchanged when the time is over", arguments: Transport.allCases)
    func unchanged(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let watched = try await watch(server, after: 1, wait: 150)
            #expect(watched.release == 1)
            #expect(!watched.changed)
            // At once when there is something new already.
            let behind = try await watch(server, after: 0, wait: 15_000)
            #expect(behind.release == 1)
            #expect(behind.changed)
            // A little before the call's own deadline.
            let late = try await server.call(ChannelServiceAPI.watch, timeout: .seconds(1)) {
                $0.model = "mlp"
                $0.afterRelease = 1
                $0.waitMs = 60_000
            }
            #expect(!late.changed)
        }
    }

    @Test("that do not exist cannot be watched", arguments: Transport.allCases)
    func unknown(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            await refused(.notFound, "no channel \"beta\"") {
                try await watch(server, after: 1, wait: 15_000, channel: "beta")
            }
            await refused(.notFound, "no model") {
                try await server.call(ChannelServiceAPI.watch) { $0.model = "nothing" }
            }
            #expect(await server.answers())
        }
    }

    @Test("forget who gave up watching", arguments: Transport.allCases)
    func cancellation(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let other = server.with()
            let watching = Task { try await watch(other, after: 1, wait: 15_000) }
            let isWaiting = try await eventually { server.server.rpc.statistics.inFlight > 0 }
            #expect(isWaiting)
            watching.cancel()
            await refused(.cancelled) { try await watching.value }
            if let client = other.caller as? RPCClient { client.close() }
            if let client = other.caller as? InProcessCaller { client.close() }
            let isForgotten = try await eventually(within: .seconds(5)) { server.server.rpc.statistics.inFlight == 0 }
            #expect(isForgotten)
        }
    }
}
