import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("With tokens")
struct AuthenticationTests {
    private static let mode = AuthenticationMode.tokens([
        AccessToken(name: "ci", secret: "publisher-secret-0", roles: [.publisher]),
        AccessToken(name: "ops", secret: "operator-secret-00", roles: [.operator]),
        AccessToken(name: "gateway", secret: "gateway-secret-000", roles: [.device]),
    ])
    private static let publisher = Credential.bearer("publisher-secret-0")
    private static let `operator` = Credential.bearer("operator-secret-00")
    private static let gateway = Credential.bearer("gateway-secret-000")

    /// Registers a device and calls as it from then on.
    private func device(_ server: TestServer, _ name: String, seed: UInt64) async throws -> TestServer {
        let token = testBytes(32, seed: seed)
        try await server.with().call(DeviceServiceAPI.registerDevice) {
            $0.deviceId = name
            $0.deviceClass = ModelFixture.deviceClass
            $0.token = token
        }
        return server.with(.device(id: name, token: token))
    }

    @Test("anybody may read, compose and register, and no more", arguments: Transport.allCases)
    func anonymous(transport: Transport) async throws {
        try await withServer(over: transport, authentication: Self.mode) { server in
            #expect(await server.answers())
            #expect(try await server.call(CompositionServiceAPI.compose) { $0.model = "mlp" }.release == 1)
            _ = try await device(server, "d1", seed: 1)
            await refused(.permissionDenied, "anonymous", "Publish", "publisher") {
                try await server.publish(server.manifest())
            }
            await refused(.permissionDenied, "Rollback", "operator") {
                try await server.call(ReleaseServiceAPI.rollback)
            }
            await refused(.permissionDenied, "MoveChannel") { try await server.call(ChannelServiceAPI.moveChannel) }
            await refused(.permissionDenied, "DefineDeviceClass") {
                try await server.call(DeviceServiceAPI.defineDeviceClass)
            }
            await refused(.permissionDenied, "BeginPut", "device or publisher") { try await server.put([1]) }
            await refused(.permissionDenied, "Put") { try await server.call(BlobServiceAPI.put) }
            await refused(.permissionDenied, "Submit", "device") {
                try await server.call(UpdateServiceAPI.submit) { $0.deviceId = "d1" }
            }
            // A composition is recorded for its device, so that only the device asks for it.
            await refused(.permissionDenied, "device d1") {
                try await server.call(CompositionServiceAPI.compose) {
                    $0.model = "mlp"
                    $0.deviceId = "d1"
                }
            }
            #expect(await server.answers())
        }
    }

    @Test("each role may do its work and no other", arguments: Transport.allCases)
    func roles(transport: Transport) async throws {
        try await withServer(over: transport, authentication: Self.mode) { server in
            let publisher = server.with(Self.publisher)
            let published = try await publisher.publish(changing: ["l0.m00"], seed: 2)
            #expect(published.release?.createdBy.hasPrefix("ci@") == true)
            await refused(.permissionDenied, "ci may not call", "operator") {
                try await publisher.call(ReleaseServiceAPI.rollback)
            }
            let ops = server.with(Self.operator)
            let rolledBack = try await ops.call(ReleaseServiceAPI.rollback) {
                $0.model = "mlp"
                $0.toRelease = 1
                $0.reason = "bad"
            }
            #expect(rolledBack.release?.createdBy.hasPrefix("ops@") == true)
            await refused(.permissionDenied, "ops may not call") { try await ops.publish(server.manifest()) }
            await refused(.permissionDenied, "ops may not call") { try await ops.put([1]) }
            let gateway = server.with(Self.gateway)
            _ = try await device(server, "d1", seed: 1)
            #expect(
                try await gateway.call(CompositionServiceAPI.compose) {
                    $0.model = "mlp"
                    $0.deviceId = "d1"
                }.release == 3)
            await refused(.permissionDenied) { try await gateway.publish(server.manifest()) }
        }
    }

    @Test("a device acts for itself and for no other", arguments: Transport.allCases)
    func devices(transport: Transport) async throws {
        try await withServer(over: transport, authentication: Self.mode) { server in
            let first = try await device(server, "d1", seed: 1)
            let second = try await device(server, "d2", seed: 2)
            func compose(_ caller: TestServer, _ name: String) async throws -> Wire.ComposeResponse {
                try await caller.call(CompositionServiceAPI.compose) {
                    $0.model = "mlp"
                    $0.deviceId = name
                }
            }
            #expect(try await compose(first, "d1").release == 1)
            await refused(.permissionDenied, "device d1 may not act for device d2") { try await compose(first, "d2") }
            await refused(.permissionDenied, "device d1 may not act for device d2") {
                try await first.call(UpdateServiceAPI.submit) { $0.deviceId = "d2" }
            }
            await refused(.permissionDenied, "device d1 may not act for device d2") {
                try await first.call(DeviceServiceAPI.registerDevice) {
                    $0.deviceId = "d2"
                    $0.deviceClass = ModelFixture.deviceClass
                    $0.token = testBytes(32, seed: 1)
                }
            }
            await refused(.permissionDenied, "Publish") { try await first.publish(server.manifest()) }
            // Uploads belong to who began them.
            let bytes = testBytes(2 << 20)
            let begun = try await first.call(BlobServiceAPI.beginPut) {
                $0.digest = Digest.of(bytes).bytes
                $0.size = Int64(bytes.count)
            }
            await refused(.notFound, "no upload", "device:d2") {
                try await second.exchange(BlobServiceAPI.put, attachment: Array(bytes[..<(1 << 20)])) {
                    $0.uploadId = begun.uploadId
                }
            }
            let own = try await second.call(BlobServiceAPI.beginPut) {
                $0.digest = Digest.of(bytes).bytes
                $0.size = Int64(bytes.count)
            }
            #expect(own.uploadId != begun.uploadId)
            #expect(try await first.put(bytes) == Digest.of(bytes))
        }
    }

    @Test("a wrong one is refused, and the connection closed", arguments: Transport.allCases)
    func wrong(transport: Transport) async throws {
        try await withServer(over: transport, authentication: Self.mode) { server in
            _ = try await device(server, "d1", seed: 1)
            let wrong: [(Credential, String)] = [
                (.device(id: "d1", token: testBytes(32, seed: 9)), "device d1"),
                (.bearer("publisher-secret-1"), "none that the registry was configured with"),
            ]
            for (credential, words) in wrong {
                await refused(.unauthenticated, words) {
                    try await server.with(credential).call(HealthServiceAPI.check)
                }
            }
            for data in ["hello", "device d1", "device d1 xyz", "bearer", "bearer a b", "token publisher-secret-0"] {
                await refused(.unauthenticated, "device", "bearer") {
                    try await server.with(Array(data.utf8)).call(HealthServiceAPI.check)
                }
            }
            await refused(.unauthenticated) { try await server.with([0xFF, 0xFE]).call(HealthServiceAPI.check) }
            await refused(.unauthenticated) {
                try await server.with(Array(repeating: 0x61, count: 2000)).call(HealthServiceAPI.check)
            }
            #expect(await server.answers())
        }
    }

    @Test("a device that is not registered yet may read and register", arguments: Transport.allCases)
    func unregistered(transport: Transport) async throws {
        try await withServer(over: transport, authentication: Self.mode) { server in
            let token = testBytes(32, seed: 4)
            let caller = server.with(.device(id: "new", token: token))
            #expect(await caller.answers())
            await refused(.permissionDenied) { try await caller.put([1]) }
            try await caller.call(DeviceServiceAPI.registerDevice) {
                $0.deviceId = "new"
                $0.deviceClass = ModelFixture.deviceClass
                $0.token = token
            }
            let known = server.with(.device(id: "new", token: token))
            #expect(try await known.put([1, 2, 3]) == Digest.of([1, 2, 3]))
        }
    }

    @Test("the database away is no refusal of a token", arguments: Transport.allCases)
    func databaseAway(transport: Transport) async throws {
        try await withServer(over: transport, authentication: Self.mode) { server in
            _ = try await device(server, "d1", seed: 1)
            let name = server.database.name
            try await TestCluster.withMaintenance { connection in
                try await connection.query("ALTER DATABASE \(identifier: name) WITH CONNECTION LIMIT 0")
            }
            try await server.terminateSessions()
            await refused(.unavailable, "database") {
                try await server.with(.device(id: "d1", token: testBytes(32, seed: 1))).call(HealthServiceAPI.check)
            }
            #expect(try await server.with(Self.operator).call(HealthServiceAPI.check).serving)
            try await TestCluster.withMaintenance { connection in
                try await connection.query("ALTER DATABASE \(identifier: name) WITH CONNECTION LIMIT -1")
            }
        }
    }
}
