import ECLMCore
import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

@Suite("Daemons serve their metrics")
struct MetricsServerTests {
    /// What a server answers to some bytes, until it closes the connection.
    private func answer(to request: String, at endpoint: String) async throws -> String {
        let parts = endpoint.split(separator: ":")
        let port = try #require(Int(parts.last ?? ""))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: String(parts[0]), port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            for try await bytes in inbound { text += String(buffer: bytes) }
            return text
        }
    }

    private func get(_ path: String, at endpoint: String, method: String = "GET") async throws -> String {
        try await answer(to: "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", at: endpoint)
    }

    /// Where a daemon says that it serves them.
    private func endpoint(of daemon: Program) async throws -> String {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            if let match = daemon.text("errors").firstMatch(of: #/metrics are served.*?endpoint=([0-9.]+:[0-9]+)/#) {
                return String(match.1)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("no metrics: \(daemon.text("errors"))")
        return "127.0.0.1:1"
    }

    @Test("over HTTP: registryd its calls, with answers to what is none of its business")
    func registryd() async throws {
        try await withDatabase { database in
            let daemon = Program(
                "registryd",
                [
                    "--database", database.connectionString, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
                ])
            try daemon.start()
            let endpoint = try await endpoint(of: daemon)
            let found = try await get("/metrics", at: endpoint)
            #expect(found.hasPrefix("HTTP/1.1 200 OK") && found.contains("version=0.0.4"))
            #expect(found.contains("# TYPE eclm_rpc_server_requests_total counter"))
            let series = #"eclm_rpc_server_requests_total{service="eclm.v1.HealthService",method="Check"} 0"#
            #expect(found.contains(series))
            #expect(found.contains(#"eclm_build_info{version="\#(ECLM.version)"} 1"#))
            #expect(try await get("/", at: endpoint).hasPrefix("HTTP/1.1 404"))
            #expect(try await get("/metrics", at: endpoint, method: "POST").hasPrefix("HTTP/1.1 405"))
            let head = try await get("/metrics", at: endpoint, method: "HEAD")
            #expect(head.hasPrefix("HTTP/1.1 200") && !head.contains("# TYPE"))
            #expect(try await answer(to: "nonsense\r\n\r\n", at: endpoint).hasPrefix("HTTP/1.1 400"))
            daemon.send(SIGTERM)
            #expect(try await daemon.finish().status == 0)
        }
    }

    @Test("over HTTP: trainerd its rounds")
    func trainerd() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.submit([.init("l0.m00")], from: "device")
            let daemon = Program(
                "trainerd", ["--metrics", "127.0.0.1:0"],
                environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)])
            try daemon.start()
            let endpoint = try await endpoint(of: daemon)
            var found = ""
            for _ in 0..<200 where !found.contains("eclm_trainer_round_seconds_count") {
                try await Task.sleep(for: .milliseconds(50))
                found = try await get("/metrics", at: endpoint)
            }
            #expect(found.contains(#"eclm_trainer_rounds_total{model="mlp"} 1"#), "\(found)")
            #expect(found.contains(#"eclm_trainer_updates_aggregated_total{model="mlp"} 1"#))
            #expect(found.contains(#"eclm_trainer_round_seconds_count{model="mlp"} 1"#))
            #expect(found.contains(#"eclm_build_info{version="\#(ECLM.version)"} 1"#))
            daemon.send(SIGTERM)
            #expect(try await daemon.finish().status == 0)
        }
    }

    @Test("and end where the address is none, or taken")
    func refusals() async throws {
        try await withDatabase { database in
            let environment = ["ECLM_DATABASE": database.connectionString]
            let wrong = try await Program("trainerd", ["--metrics", "here"], environment: environment).finish()
            #expect(wrong.status == 4 && wrong.errors.contains("metrics is"), "\(wrong.errors)")
            let first = Program("trainerd", ["--metrics", "127.0.0.1:0"], environment: environment)
            try first.start()
            let endpoint = try await endpoint(of: first)
            let second = try await Program("trainerd", ["--metrics", endpoint], environment: environment).finish()
            #expect(second.status == 5 && second.errors.contains("another address"), "\(second.errors)")
            first.send(SIGTERM)
            #expect(try await first.finish().status == 0)
        }
    }
}
