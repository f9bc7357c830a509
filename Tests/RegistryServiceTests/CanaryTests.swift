import Composition
import ECLMCore
import EdgeClient
import Foundation
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Canaries over the wire")
struct CanaryTests {
    private static let devices = (0..<40).map { "device-\($0)" }
    private let alice = Provenance(actor: "alice", reason: "trial")

    /// The canary that a test starts, of a second release that no channel carries.
    private func start(_ model: ModelFixture) async throws -> CanaryRecord {
        try await model.publishChange()
        try await model.registerDevices(Self.devices)
        return try await model.registry.startCanary(
            of: "mlp", CanarySettings(candidate: 2, share: 0.5, metric: "accuracy", margin: 0.2), as: alice)
    }

    private func compose(_ server: TestServer, _ device: String?) async throws -> Int32 {
        try await server.call(CompositionServiceAPI.compose) {
            $0.model = "mlp"
            $0.deviceId = device
        }.release
    }

    private func split(_ canary: CanaryRecord) throws -> (candidate: String, control: String) {
        (
            try #require(Self.devices.first(where: canary.assignment.includes)),
            try #require(Self.devices.first { !canary.assignment.includes($0) })
        )
    }

    @Test("give the candidate to the share's devices, from one server to the next, until they end")
    func compose() async throws {
        var canary: CanaryRecord?
        try await withServer(prepare: { _, model in canary = try await start(model) }) { server in
            let canary = try #require(canary)
            // The server started after the canary.
            for device in Self.devices {
                #expect(try await compose(server, device) == (canary.assignment.includes(device) ? 2 : 1))
            }
            #expect(try await compose(server, nil) == 1)
            let (given, kept) = try split(canary)
            for (device, release) in [(given, Int32(2)), (kept, 1)] {
                let modules = try await server.call(ModelServiceAPI.listModules) {
                    $0.model = "mlp"
                    $0.deviceId = device
                }
                #expect(modules.release == release)
                let whole = try await server.call(ReleaseServiceAPI.getRelease) {
                    $0.model = "mlp"
                    $0.deviceId = device
                }
                #expect(whole.release?.number == release)
                let watched = try await server.call(ChannelServiceAPI.watch) {
                    $0.model = "mlp"
                    $0.deviceId = device
                }
                #expect(watched.release == release)
            }
            // By number everybody gets what is asked for.
            let explicit = try await server.call(CompositionServiceAPI.compose) {
                $0.model = "mlp"
                $0.deviceId = given
                $0.release = Wire.ReleaseSelector()
                $0.release?.number = 1
            }
            #expect(explicit.release == 1)
            _ = try await server.model.registry.promoteCanary(of: "mlp", channel: "stable", as: alice)
            #expect(try await eventually { try await compose(server, kept) == 2 })
        }
    }

    @Test("wake the share's devices that watch, when they start and when they end")
    func watch() async throws {
        try await withServer { server in
            try await server.model.publishChange()
            try await server.model.registerDevices(Self.devices)
            @Sendable func watch(_ device: String, after release: Int32, wait: Int32) async throws -> Wire.WatchResponse
            {
                try await server.call(ChannelServiceAPI.watch) {
                    $0.model = "mlp"
                    $0.afterRelease = release
                    $0.waitMs = wait
                    $0.deviceId = device
                }
            }
            // All at once: who is in the share is known only when the canary is there.
            let woken = try await withThrowingTaskGroup(of: (String, Int32).self) { group in
                for device in Self.devices {
                    group.addTask { (device, try await watch(device, after: 1, wait: 4000).release) }
                }
                try await Task.sleep(for: .milliseconds(200))
                let canary = try await server.model.registry.startCanary(
                    of: "mlp", CanarySettings(candidate: 2, share: 0.5, metric: "accuracy", margin: 0.2), as: alice)
                var right = 0
                for try await (device, release) in group
                where release == (canary.assignment.includes(device) ? 2 : 1) { right += 1 }
                return (right, canary)
            }
            #expect(woken.0 == Self.devices.count)
            let (given, _) = try split(woken.1)
            async let back = watch(given, after: 2, wait: 10_000)
            try await Task.sleep(for: .milliseconds(200))
            _ = try await server.model.registry.abortCanary(of: "mlp", channel: "stable", as: alice)
            #expect(try await back.release == 1)
        }
    }

    @Test("take reports of the release that a device runs, once", arguments: Transport.allCases)
    func report(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let canary = try await start(server.model)
            let (given, kept) = try split(canary)
            func report(
                _ device: String, _ release: Int32, _ metrics: [(String, Double)] = [("accuracy", 0.5)]
            ) async throws -> Int32 {
                try await server.call(DeviceServiceAPI.reportMetrics) {
                    $0.deviceId = device
                    $0.model = "mlp"
                    $0.release = release
                    $0.metrics = metrics.map { name, value in
                        var metric = Wire.Metric()
                        (metric.name, metric.value) = (name, value)
                        return metric
                    }
                }.canaries
            }
            #expect(try await report(given, 2) == 1)
            #expect(try await report(given, 2) == 1)
            #expect(try await report(given, 1) == 0)
            #expect(try await report(kept, 1) == 1)
            #expect(try await report(kept, 2) == 0)
            #expect(try await report(kept, 1, [("loss", 1)]) == 0)
            #expect(try await server.count("SELECT count(*) FROM eclm.canary_observations") == 2)
            await refused(.invalidArgument, "given twice") {
                try await report(given, 2, [("accuracy", 1), ("accuracy", 0)])
            }
            await refused(.invalidArgument, "1 to 64 metrics") { try await report(given, 2, []) }
            await refused(.invalidArgument, "finite") { try await report(given, 2, [("accuracy", .infinity)]) }
            await refused(.notFound, "no release 9") { try await report(given, 9) }
            await refused(.notFound, "not registered") { try await report("nobody", 1) }
        }
    }

    @Test("reach a device through its client: what it fetches, watches and reports")
    func edgeClient() async throws {
        try await withServer { server in
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-canary-\(UUID())")
            defer { try? FileManager.default.removeItem(at: folder) }
            let canary = try await start(server.model)
            for (name, release) in [
                (try #require((0..<99).map { "pi-\($0)" }.first(where: canary.assignment.includes)), Int32(2)),
                (try #require((0..<99).map { "pi-\($0)" }.first { !canary.assignment.includes($0) }), 1),
            ] {
                let client = try EdgeClient(
                    registry: RegistryClient(server.caller), state: StateDirectory(path: "\(folder.path)/\(name)"))
                await #expect(throws: EdgeError.self) {
                    try await client.report(["accuracy": 1], of: "mlp", release: 1)
                }
                _ = try await client.register(deviceID: name, deviceClass: ModelFixture.deviceClass)
                #expect(
                    try await eventually {
                        try await client.waitForRelease(model: "mlp", channel: "stable", after: 0) == release
                    })
                #expect(try await client.sharedModule(.selector, of: "mlp").release == release)
                #expect(try await client.pull(PullRequest(model: "mlp")).manifest.release == release)
                #expect(try await client.report(["accuracy": 0.5], of: "mlp", release: release) == 1)
                #expect(try await client.report(["accuracy": 0.5], of: "mlp", release: 3 - release) == 0)
                await #expect(throws: EdgeError.self) {
                    try await client.report(["accuracy": .nan], of: "mlp", release: release)
                }
            }
            #expect(try await server.count("SELECT count(*) FROM eclm.canary_observations") == 2)
        }
    }

    @Test("know a device by its token, and take nobody's word for another")
    func authentication() async throws {
        try await withServer(authentication: .tokens([])) { server in
            func register(_ name: String) async throws -> TestServer {
                let token = testBytes(32, seed: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
                try await server.call(DeviceServiceAPI.registerDevice) {
                    $0.deviceId = name
                    $0.deviceClass = ModelFixture.deviceClass
                    $0.token = token
                }
                return server.with(.device(id: name, token: token))
            }
            let canary = try await start(server.model)
            let names = (0..<40).map { "pi-\($0)" }
            let given = try #require(names.first(where: canary.assignment.includes))
            let device = try await register(given)
            // Without naming itself: its connection says who it is.
            #expect(try await eventually { try await compose(device, nil) == 2 })
            #expect(try await device.call(ChannelServiceAPI.watch) { $0.model = "mlp" }.release == 2)
            #expect(try await device.call(ModelServiceAPI.listModules) { $0.model = "mlp" }.release == 2)
            for caller in [server, device] {
                await refused(.permissionDenied, "device-1") {
                    try await caller.call(ChannelServiceAPI.watch) {
                        $0.model = "mlp"
                        $0.deviceId = "device-1"
                    }
                }
                await refused(.permissionDenied) {
                    try await caller.call(DeviceServiceAPI.reportMetrics) { $0.deviceId = "device-1" }
                }
            }
        }
    }
}
