import ECLMCore
import Foundation
import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("registryd")
struct RegistrydTests {
    private func call<Request, Response>(
        _ endpoint: RPCEndpoint, _ method: RemoteMethod<Request, Response>, credential: Credential? = nil,
        _ fill: (inout Request) -> Void = { _ in }
    ) async throws -> Response {
        var configuration = RPCClientConfiguration()
        configuration.authenticationData = credential?.authenticationData
        let client = RPCClient(endpoint: endpoint, configuration: configuration)
        defer { client.close() }
        var request = Request()
        fill(&request)
        let response = try await client.call(
            service: method.service, method: method.name, payload: try request.encoded(), timeout: .seconds(20))
        return try Response(decoding: response.payload)
    }

    @Test("explains itself")
    func help() async throws {
        let help = try await Program("registryd", ["--help"]).finish()
        #expect(help.status == 0)
        for word in ["--listen", "--database", "--config", "--auth", "ECLM_DATABASE", "Exit status", "SIGTERM"] {
            #expect(help.output.contains(word), "\(word)")
        }
        let version = try await Program("registryd", ["--version"]).finish()
        #expect(version.output == "\(ECLM.version)\n")
        #expect(try await Program("registryd", ["--listn", "x"]).finish().status == 64)
    }

    @Test("serves until it is told to stop, and lets calls in flight end")
    func drains() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let process = Program(
                "registryd",
                [
                    "--database", database.connectionString, "--listen", "127.0.0.1:0",
                ])
            let endpoint = try #require(try await process.serve())
            #expect(try await call(endpoint, HealthServiceAPI.check).database)
            async let watched = call(endpoint, ChannelServiceAPI.watch) {
                $0.model = "mlp"
                $0.afterRelease = 1
                $0.waitMs = 1500
            }
            try await Task.sleep(for: .milliseconds(500))
            process.send(SIGTERM)
            try await Task.sleep(for: .milliseconds(300))
            await #expect(throws: RPCError.self) { try await call(endpoint, HealthServiceAPI.check) }
            let answer = try await watched
            #expect(answer.release == 1)
            #expect(!answer.changed)
            let result = try await process.finish()
            #expect(result.status == 0)
            #expect(result.errors.contains("stopped"), "\(result.errors)")
        }
    }

    @Test("ends on SIGTERM though the database says nothing, and serves again when its connections led nowhere")
    func silence() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await TestProxy.with { proxy in
                let process = Program(
                    "registryd",
                    [
                        "--database", proxy.connectionString(to: database), "--listen", "127.0.0.1:0",
                        "--silence-timeout", "0.5", "--drain-timeout", "1",
                    ])
                let endpoint = try #require(try await process.serve(), "\(process.text("errors"))")
                proxy.freezeConnections()
                // A call whose connection was lost may fail, and is told so; the next has another.
                let isServed = try await eventually(within: .seconds(60)) {
                    let answer = try? await call(endpoint, ReleaseServiceAPI.listReleases) { $0.model = model.name }
                    return answer?.releases.map(\.number) == [1]
                }
                #expect(isServed)
                proxy.freeze()
                let unanswered = Task { [name = model.name] in
                    try await call(endpoint, ReleaseServiceAPI.listReleases) { $0.model = name }
                }
                try await Task.sleep(for: .milliseconds(200))
                process.send(SIGTERM)
                #expect(try await process.finish(timeout: .seconds(60)).status == 0)
                await #expect(throws: RPCError.self) { try await unanswered.value }
            }
        }
    }

    @Test("ends its start with 4 where the database refuses it for good, and with 5 where it is not there")
    func refusedForGood() async throws {
        try await withDatabase { database in
            let way = database.connectionString
            for (string, status) in [
                (way + " dbname=no_such_database", 4), (way + " user=nobody_at_all", 4),
                (way + " host=127.0.0.1 port=1", 5),
            ] as [(String, Int32)] {
                let result = try await Program("registryd", ["--database", string, "--listen", "127.0.0.1:0"]).finish()
                #expect(result.status == status, "\(result.errors)")
            }
        }
    }

    @Test("writes the compositions of its last moments before it stops")
    func flushes() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.submit([.init("l0.m00")], from: "device-1")
            let process = Program(
                "registryd",
                [
                    "--database", database.connectionString, "--listen", "127.0.0.1:0",
                ])
            let endpoint = try #require(try await process.serve())
            for _ in 0..<5 {
                _ = try await call(endpoint, CompositionServiceAPI.compose) {
                    $0.model = "mlp"
                    $0.deviceId = "device-1"
                }
            }
            process.send(SIGTERM)
            #expect(try await process.finish().status == 0)
            let count: Int64 = try await database.pool.query("SELECT count(*) FROM eclm.compositions").one().decode(0)
            #expect(count == 5)
        }
    }

    @Test("takes settings from flags before the environment before the file")
    func layers() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let sockets = FileManager.default.temporaryDirectory.appendingPathComponent(
                "eclm-\(UUID().uuidString.prefix(8))"
            ).path
            try FileManager.default.createDirectory(atPath: sockets, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: sockets) }
            func file(_ process: Program) throws -> String {
                try process.write(
                    "config.json",
                    """
                    {"eclm": {"database": "\(database.connectionString)",
                              "registryd": {"listen": "\(sockets)/file", "pool-size": 3, "blob-cache": "1MiB"}}}
                    """)
            }
            let byFile = Program("registryd", [])
            byFile.addArguments(["--config", try file(byFile)])
            #expect(try await byFile.serve() == .unix(path: "\(sockets)/file"))
            #expect(
                try await call(.unix(path: "\(sockets)/file"), ModelServiceAPI.listModels).models.map(\.name) == [
                    model.name
                ])
            byFile.send(SIGTERM)
            #expect(try await byFile.finish().status == 0)

            let environment = ["ECLM_REGISTRYD_LISTEN": "\(sockets)/environment", "ECLM_REGISTRYD_POOL_SIZE": "2"]
            let byEnvironment = Program("registryd", [], environment: environment)
            byEnvironment.addArguments(["--config", try file(byEnvironment)])
            #expect(try await byEnvironment.serve() == .unix(path: "\(sockets)/environment"))
            byEnvironment.send(SIGTERM)
            #expect(try await byEnvironment.finish().status == 0)

            let byFlag = Program("registryd", ["--listen", "unix:\(sockets)/flag"], environment: environment)
            byFlag.addArguments(["--config", try file(byFlag)])
            #expect(try await byFlag.serve() == .unix(path: "\(sockets)/flag"))
            byFlag.send(SIGTERM)
            #expect(try await byFlag.finish().status == 0)
        }
    }

    @Test("refuses settings that it does not understand, with status 4")
    func badSettings() async throws {
        func refuses(
            _ arguments: [String], file: String? = nil, environment: [String: String] = [:], _ words: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let process = Program("registryd", arguments, environment: environment)
            if let file { process.addArguments(["--config", try process.write("config.json", file)]) }
            let result = try await process.finish()
            #expect(result.status == 4, "\(result.errors)", sourceLocation: sourceLocation)
            for word in words {
                #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
            }
        }
        try await refuses(
            [], file: #"{"eclm": {"registryd": {"lisen": ":1"}}}"#, "eclm.registryd.lisen is no setting", "listen")
        try await refuses([], file: #"{"eclm": {"registrid": {}}}"#, "eclm.registrid is no setting")
        try await refuses([], file: #"{"registryd": {}}"#, "must be")
        try await refuses([], file: "{", "cannot be read")
        try await refuses(["--config", "/nowhere/config.json"], "/nowhere/config.json", "cannot be read")
        try await refuses(["--listen", "here"], "listen", "HOST:PORT")
        try await refuses(["--listen", "127.0.0.1:99999"], "listen", "HOST:PORT")
        try await refuses(["--pool-size", "0"], "pool-size is 0", "1 to 1000")
        try await refuses([], environment: ["ECLM_REGISTRYD_POOL_SIZE": "many"], "pool-size", "many", "whole number")
        try await refuses([], environment: ["ECLM_REGISTRYD_BLOB_CACHE": "big"], "blob-cache", "256MiB")
        try await refuses([], environment: ["ECLM_REGISTRYD_DRAIN_TIMEOUT": "soon"], "drain-timeout", "soon")
        try await refuses(["--statement-timeout=-1"], "statement-timeout")
        try await refuses(["--auth", "magic"], "magic", "none or tokens")
        try await refuses(["--tokens-file", "x"], "auth is none")
        try await refuses(["--auth", "tokens", "--tokens-file", "/nowhere"], "/nowhere")
    }

    @Test("knows the tokens of its file, and refuses weak ones")
    func tokens() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            func process(_ entry: String) throws -> Program {
                let process = Program(
                    "registryd",
                    [
                        "--database", database.connectionString, "--listen", "127.0.0.1:0", "--auth", "tokens",
                    ])
                process.addArguments(["--tokens-file", try process.write("tokens.json", entry)])
                return process
            }
            for (entry, words) in [
                (#"[{"name": "ops", "secret": "short", "roles": ["operator"]}]"#, "16 bytes"),
                (#"[{"name": "ops", "secret": "long enough, but spaced", "roles": []}]"#, "spaces"),
                (#"[{"name": "ops", "secret": "0123456789abcdef", "roles": ["king"]}]"#, "king"),
                (#"[{"name": "device:1", "secret": "0123456789abcdef", "roles": []}]"#, "device:"),
                (#"[{"name": "ops"}]"#, "tokens file"),
            ] {
                let result = try await process(entry).finish()
                #expect(result.status == 4, "\(entry)")
                #expect(result.errors.contains(words), "\(result.errors)")
                #expect(!result.errors.contains("0123456789abcdef"))
            }
            let serving = try process(#"[{"name": "ops", "secret": "0123456789abcdef", "roles": ["operator"]}]"#)
            let endpoint = try #require(try await serving.serve())
            let moved = try await call(
                endpoint, ChannelServiceAPI.moveChannel, credential: .bearer("0123456789abcdef")
            ) {
                $0.model = model.name
                $0.channel = "canary"
                $0.release = 1
            }
            #expect(moved.channels == ["canary", "stable"])
            await refused(.permissionDenied) { try await call(endpoint, ChannelServiceAPI.moveChannel) }
            await refused(.unauthenticated) {
                try await call(endpoint, HealthServiceAPI.check, credential: .bearer("0123456789abcdee"))
            }
            serving.send(SIGTERM)
            #expect(try await serving.finish().status == 0)
        }
    }

    @Test("will not serve a database without the current schema, and says what to do")
    func notMigrated() async throws {
        try await withDatabase(migrated: false) { database in
            let result = try await Program("registryd", ["--database", database.connectionString]).finish()
            #expect(result.status == 4)
            #expect(result.errors.contains("registryctl migrate"), "\(result.errors)")
        }
    }

    @Test("says when the database or the address cannot be had, with status 5")
    func unavailable() async throws {
        let gone = "host=/no/such/folder dbname=eclm user=nobody"
        let result = try await Program("registryd", ["--database", gone, "--listen", "127.0.0.1:0"]).finish()
        #expect(result.status == 5, "\(result.errors)")
        #expect(result.errors.contains("/no/such/folder"), "\(result.errors)")

        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let first = Program("registryd", ["--database", database.connectionString, "--listen", "127.0.0.1:0"])
            let endpoint = try #require(try await first.serve())
            let second = try await Program(
                "registryd",
                [
                    "--database", database.connectionString, "--listen", "\(endpoint)",
                ]
            ).finish()
            #expect(second.status == 5, "\(second.errors)")
            #expect(second.errors.contains("cannot listen on \(endpoint)"), "\(second.errors)")
            first.send(SIGTERM)
            #expect(try await first.finish().status == 0)
        }
    }
}
