import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("The catalogue")
struct CatalogueTests {
    private func memory(_ server: TestServer, release: Int32? = nil, deviceClass: String? = "phone") async throws
        -> Int64?
    {
        try await server.call(CompositionServiceAPI.compose) {
            $0.model = "mlp"
            $0.deviceClass = deviceClass
            $0.release = Wire.ReleaseSelector()
            $0.release?.number = release
        }.composition?.totals?.memory
    }

    private func measure(_ server: TestServer, _ module: String, version: Int32 = 1, memory: Int64) async throws {
        try await server.database.pool.query(
            """
            INSERT INTO eclm.costs (module_version_id, device_class_id, memory, flops)
            SELECT module_version_id, device_class_id, \(memory), 10
            FROM eclm.module_versions JOIN eclm.modules USING (module_id), eclm.device_classes c
            WHERE modules.name = \(module) AND version = \(version) AND c.name = 'phone'
            ON CONFLICT (module_version_id, device_class_id) DO UPDATE SET memory = excluded.memory
            """)
    }

    @Test(
        "learns measured costs by notification, and they count instead of the analytic", arguments: Transport.allCases)
    func measured(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            #expect(try await memory(server) == 11 * 4096)
            try await measure(server, "l0.m00", memory: 1_000_000)
            #expect(try await eventually { try await memory(server) == 10 * 4096 + 1_000_000 })
            try await measure(server, "l0.m00", memory: 5)
            try await measure(server, "stem0", memory: 7)
            #expect(try await eventually { try await memory(server) == 9 * 4096 + 12 })
            // Measured on a class: other devices are told the analytic figures.
            #expect(try await memory(server, deviceClass: nil) == 11 * 4096)
        }
    }

    @Test("has measured costs of releases that are asked for by number, too")
    func measuredByNumber() async throws {
        try await withServer { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            try await measure(server, "l0.m00", version: 1, memory: 5)
            #expect(try await eventually { try await memory(server, release: 1) == 10 * 4096 + 5 })
            try await measure(server, "l0.m00", version: 1, memory: 6)
            #expect(try await eventually { try await memory(server, release: 1) == 10 * 4096 + 6 })
            #expect(try await memory(server, release: 2) == 11 * 4096)
        }
    }

    @Test("answers while the database is away, and catches up when it is back", arguments: Transport.allCases)
    func databaseAway(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let name = server.database.name
            try await server.publish(changing: ["l0.m00"], seed: 2)
            let digest = try #require(server.model.manifest.modules.first).digest.bytes
            _ = try await server.call(BlobServiceAPI.get) { $0.digest = digest }
            // Nobody but a superuser gets in, and the sessions that are there end.
            try await TestCluster.withMaintenance { connection in
                try await connection.query("ALTER DATABASE \(identifier: name) WITH CONNECTION LIMIT 0")
            }
            try await server.terminateSessions()
            try await Task.sleep(for: .milliseconds(200))
            for _ in 0..<5 {
                let answer = try await server.call(CompositionServiceAPI.compose) {
                    $0.model = "mlp"
                    $0.deviceClass = "phone"
                }
                #expect(answer.release == 2)
                #expect(answer.composition?.modules.count == 11)
            }
            #expect(try await !server.exchange(BlobServiceAPI.get) { $0.digest = digest }.attachment.isEmpty)
            await refused(.unavailable, "database") {
                try await server.call(ReleaseServiceAPI.listReleases) { $0.model = "mlp" }
            }
            let health = try await server.call(HealthServiceAPI.check, timeout: .seconds(5))
            #expect(health.serving)
            #expect(!health.database)
            // Somebody else goes on meanwhile.
            let bytes = try server.model.weights(of: "l0.m00", seed: 5)
            var manifest = server.model.manifest
            manifest.modules = manifest.modules.filter { $0.name == "l0.m00" }
            manifest.modules[0].digest = Digest.of(bytes)
            try await server.model.registry.blobs.put(bytes, digest: Digest.of(bytes))
            _ = try await server.model.registry.publish(manifest, channel: "stable", as: Provenance(actor: "other"))

            try await TestCluster.withMaintenance { connection in
                try await connection.query("ALTER DATABASE \(identifier: name) WITH CONNECTION LIMIT -1")
            }
            #expect(
                try await eventually {
                    try await server.call(CompositionServiceAPI.compose) { $0.model = "mlp" }.release == 3
                })
            #expect(try await eventually { await server.answers() })
            #expect(try await server.call(HealthServiceAPI.check).database)
        }
    }

    @Test("reads a change again that it was told of and could not read")
    func readsAgain() async throws {
        try await withServer { server in
            // Once the listener is up: another change is seen.
            try await measure(server, "l0.m00", memory: 5)
            #expect(try await eventually { try await memory(server) == 10 * 4096 + 5 })
            try await server.database.pool.query("REVOKE SELECT ON eclm.costs FROM eclm_reader")
            try await measure(server, "l0.m00", memory: 1_000_000)
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await memory(server) == 10 * 4096 + 5)
            try await server.database.pool.query("GRANT SELECT ON eclm.costs TO eclm_reader")
            // Long before the catalogue is read anyway.
            #expect(try await eventually { try await memory(server) == 10 * 4096 + 1_000_000 })
        }
    }

    @Test("keeps what it has to record until the database is back")
    func recordedLater() async throws {
        try await withServer { server in
            try await server.model.submit([.init("l0.m00")], from: "device-1")
            let name = server.database.name
            func compose() async throws {
                try await server.call(CompositionServiceAPI.compose) {
                    $0.model = "mlp"
                    $0.deviceId = "device-1"
                }
            }
            try await compose()
            try await TestCluster.withMaintenance { connection in
                try await connection.query("ALTER DATABASE \(identifier: name) WITH CONNECTION LIMIT 0")
            }
            try await server.terminateSessions()
            // The device's class is remembered: composing needs no database.
            for _ in 0..<9 { try await compose() }
            try await Task.sleep(for: .milliseconds(600))
            try await TestCluster.withMaintenance { connection in
                try await connection.query("ALTER DATABASE \(identifier: name) WITH CONNECTION LIMIT -1")
            }
            #expect(try await eventually { try await server.count("SELECT count(*) FROM eclm.compositions") == 10 })
        }
    }

    @Test("tells its age, and the server its health", arguments: Transport.allCases)
    func health(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let health = try await server.call(HealthServiceAPI.check)
            #expect(health.serving)
            #expect(health.database)
            #expect(health.version == ECLM.version)
            #expect((0..<30_000).contains(health.catalogueAgeMs))
            #expect(health.inFlight == 1)
            #expect(health.uptimeMs >= 0)
            let echo = try await server.exchange(HealthServiceAPI.echo, attachment: [1, 2, 3]) { $0.payload = [4, 5] }
            #expect(echo.message.payload == [4, 5])
            #expect(echo.attachment == [1, 2, 3])
        }
    }
}
