import ECLMCore
import Foundation
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("registryd behind PgBouncer", .enabled(if: PgBouncer.isAvailable, "\(PgBouncer.requirement)"))
struct PoolerTests {
    private func call<Request, Response>(
        _ client: RPCClient, _ method: RemoteMethod<Request, Response>, _ fill: (inout Request) -> Void = { _ in }
    ) async throws -> Response {
        var request = Request()
        fill(&request)
        let response = try await client.call(
            service: method.service, method: method.name, payload: request.encoded(), timeout: .seconds(30))
        return try Response(decoding: response.payload)
    }

    @Test("reads, writes and watches right in either mode", arguments: PgBouncer.Mode.allCases)
    func works(mode: PgBouncer.Mode) async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            _ = try await ModelFixture.publish(in: database, name: "other", seed: 2)
            try await PgBouncer.with(mode, sessions: mode == .session ? 20 : 3) { bouncer in
                let process = Program(
                    "registryd",
                    [
                        "--database", bouncer.connectionString(to: database), "--listen", "127.0.0.1:0",
                        "--listen-database", database.connectionString,
                    ])
                let endpoint = try #require(try await process.serve(), "\(process.text("errors"))")
                let client = RPCClient(endpoint: endpoint)
                defer { client.close() }

                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<120 {
                        group.addTask { try await self.readAndWrite(client, index) }
                    }
                    try await group.waitForAll()
                }
                let devices: Int64 = try await database.pool.query("SELECT count(*) FROM eclm.devices").one().decode(0)
                #expect(devices == 30)

                // The watch hears of the move over the listener, long before the catalogue is read anyway.
                async let watched = call(client, ChannelServiceAPI.watch) {
                    $0.model = model.name
                    $0.afterRelease = 1
                    $0.waitMs = 20_000
                }
                try await database.pool.query("SELECT pg_sleep(0.2)")
                _ = try await model.publishChange(channel: "stable")
                #expect(try await watched.release == 2)
                process.send(SIGTERM)
                #expect(try await process.finish().status == 0)
            }
        }
    }

    /// One of four calls, whose answer is known.
    private func readAndWrite(_ client: RPCClient, _ index: Int) async throws {
        switch index % 4 {
        case 0:
            let names = try await call(client, ModelServiceAPI.listModels).models.map(\.name)
            #expect(names.sorted() == ["mlp", "other"])
        case 1:
            let releases = try await call(client, ReleaseServiceAPI.listReleases) { $0.model = "other" }.releases
            #expect(releases.map(\.number) == [1])
        case 2:
            #expect(try await call(client, ModelServiceAPI.getModel) { $0.model = "mlp" }.name == "mlp")
        default:
            _ = try await call(client, DeviceServiceAPI.registerDevice) {
                $0.deviceId = "device-\(index)"
                $0.deviceClass = ModelFixture.deviceClass
                $0.token = testBytes(32, seed: UInt64(index))
            }
        }
    }

    private func refusal(_ arguments: [String]) async throws -> Program.Result {
        try await Program("registryd", arguments + ["--listen", "127.0.0.1:0"]).finish()
    }

    @Test("refuses to start where answers could be late or wrong, and says what to set")
    func refuses() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            try await PgBouncer.with(.transaction) { bouncer in
                let way = bouncer.connectionString(to: database)
                let deaf = try await refusal(["--database", way])
                #expect(deaf.status == 4, "\(deaf.errors)")
                #expect(deaf.errors.contains("ECLM_LISTEN_DATABASE"), "\(deaf.errors)")
                let mistaken = try await refusal([
                    "--database", way, "--listen-database", database.connectionString, "--pooler-mode", "session",
                ])
                #expect(mistaken.status == 4, "\(mistaken.errors)")
                #expect(mistaken.errors.contains("ECLM_POOLER_MODE=transaction"), "\(mistaken.errors)")
                let unknown = try await refusal(["--database", way, "--pooler-mode", "statement"])
                #expect(unknown.status == 4)
                #expect(unknown.errors.contains("auto, session, transaction"), "\(unknown.errors)")
            }
        }
    }

    @Test("migrations want a session of their own")
    func migrations() async throws {
        try await withDatabase(migrated: false) { database in
            try await PgBouncer.with(.transaction) { bouncer in
                let way = PostgresConfiguration(connectionString: bouncer.connectionString(to: database))
                let error = await #expect(throws: RegistryError.self) { try await Migrator.embedded.migrate(way) }
                #expect(error?.code == .failedPrecondition)
                #expect(error?.message.contains("--pooler-mode") == true)
            }
            try await PgBouncer.with(.session) { bouncer in
                var way = PostgresConfiguration(connectionString: bouncer.connectionString(to: database))
                way.poolerMode = .session
                let applied = try await Migrator.embedded.migrate(way)
                #expect(applied == Migrator.embedded.files)
            }
        }
    }
}
