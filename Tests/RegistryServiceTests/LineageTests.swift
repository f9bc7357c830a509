import ECLMCore
import Logging
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing
import Trainer

@Suite("Lineage")
struct LineageTests {
    /// Two rounds over updates of three devices: version 1 -> 2 (two updates) -> 3 (one update).
    private func rounds(on server: TestServer) async throws {
        try await server.database.withPool(as: .trainer) { pool in
            let registry = Registry(pool: pool, blobs: BlobStore(pool: pool), logger: Logger(label: "trainer"))
            let trainer = try Trainer(registry: registry, name: "trainer-1", logger: Logger(label: "trainer"))
            try await server.model.submit([.init("l0.m00", importance: 3)], from: "device-1", seed: 1)
            try await server.model.submit([.init("l0.m00", importance: 1)], from: "device-2", seed: 2)
            _ = try await trainer.runRound(model: "mlp")
            try await server.model.submit([.init("l0.m00")], from: "device-3", seed: 3)
            _ = try await trainer.runRound(model: "mlp")
        }
    }

    private func lineage(
        _ server: TestServer, version: Int32, descendants: Bool = false, limit: Int32 = 0
    ) async throws -> Wire.GetLineageResponse {
        try await server.call(VersionServiceAPI.getLineage) {
            $0.model = "mlp"
            $0.module = "l0.m00"
            $0.version = version
            $0.descendants = descendants
            $0.limit = limit
        }
    }

    @Test("leads from a version to the versions and updates it came from", arguments: Transport.allCases)
    func ancestors(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await rounds(on: server)
            let lineage = try await lineage(server, version: 3)
            #expect(!lineage.truncated)
            #expect(lineage.edges.map(\.version) == [3, 3, 2, 2, 2])
            #expect(lineage.edges.map(\.parentVersion) == [2, nil, 1, nil, nil])
            #expect(lineage.edges.map(\.deviceId) == ["", "device-3", "", "device-1", "device-2"])
            #expect(lineage.edges.map(\.round) == [2, 2, 1, 1, 1])
            #expect(lineage.edges.map(\.weight) == [1, 1, 1, 0.75, 0.25])
            #expect(try await self.lineage(server, version: 1).edges.isEmpty)
            let module = try await server.versions()
            #expect(module["l0.m00"] == 3)
            #expect(module["l0.m01"] == 1)
        }
    }

    @Test("leads from a version to everything that came from it", arguments: Transport.allCases)
    func descendants(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await rounds(on: server)
            let lineage = try await lineage(server, version: 1, descendants: true)
            #expect(lineage.edges.map(\.version) == [2, 2, 2, 3, 3])
            #expect(Set(lineage.edges.map(\.deviceId)) == ["", "device-1", "device-2", "device-3"])
            #expect(try await self.lineage(server, version: 2, descendants: true).edges.map(\.version) == [3, 3])
            #expect(try await self.lineage(server, version: 3, descendants: true).edges.isEmpty)
        }
    }

    @Test("stops at the limit and says so")
    func limit() async throws {
        try await withServer { server in
            try await rounds(on: server)
            let short = try await lineage(server, version: 3, limit: 2)
            #expect(short.edges.map(\.version) == [3, 3])
            #expect(short.truncated)
            #expect(try await !lineage(server, version: 3, limit: 5).truncated)
            await refused(.invalidArgument, "limit -1", "1...100000") {
                try await lineage(server, version: 3, limit: -1)
            }
            await refused(.notFound, "no version 4") { try await lineage(server, version: 4) }
        }
    }

    @Test("tells the fate of every update, with its round and release")
    func fates() async throws {
        try await withServer { server in
            try await rounds(on: server)
            let updates = try await server.call(UpdateServiceAPI.listUpdates) { $0.model = "mlp" }.updates
            #expect(updates.map(\.status) == ["aggregated", "aggregated", "aggregated"])
            #expect(updates.map(\.round) == [2, 1, 1])
            #expect(updates.map(\.release) == [3, 2, 2])
            #expect(updates.map(\.baseRelease) == [2, 1, 1])
            #expect(updates.allSatisfy { ($0.decidedAtUs ?? 0) >= $0.submittedAtUs && $0.modules == 1 })
        }
    }
}
