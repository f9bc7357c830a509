import ECLMCore
import EdgeClient
import Logging
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing
import Trainer

@testable import Regions

/// A parent with a server on a socket, and its regions.
enum RegionTree {
    /// A region with its own database.
    struct Place: Sendable {
        var database: TestDatabase
        /// Over the login of a region's trainer.
        var region: Region
        var trainer: Trainer
        /// Over the superuser's.
        var model: ModelFixture

        func round() async throws -> RoundOutcome {
            try #require(try await trainer.runRound(model: model.name))
        }

        /// Nothing is counted twice or not at all, and the audit is whole.
        func expectWhole() async throws { try await RegionTree.expectWhole(database) }
    }

    static let quiet: Logger = {
        var logger = Logger(label: "region")
        logger.logLevel = .critical
        return logger
    }()

    static func registry(_ pool: PostgresPool) -> Registry {
        Registry(pool: pool, blobs: BlobStore(pool: pool), logger: quiet)
    }

    /// Nothing is counted twice or not at all, and the audit is whole.
    static func expectWhole(_ database: TestDatabase) async throws {
        for problems: SQL in [
            "SELECT FROM eclm.update_accounting WHERE problem IS NOT NULL", "SELECT FROM eclm.lineage_problems",
            "SELECT FROM eclm.partial_problems", "SELECT FROM eclm.audit_breaks()",
        ] {
            let rows = try await database.withConnection(as: .reader) { try await $0.query(problems) }
            #expect(rows.isEmpty, "\(problems)")
        }
    }

    /// Runs `body` with the parent's registry served on a socket.
    static func withParent(
        _ body: (_ parent: ModelFixture, _ database: TestDatabase, RPCEndpoint) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await serving(database) { try await body(model, database, $0) }
        }
    }

    /// Runs `body` with a registry served on a socket.
    static func serving(_ database: TestDatabase, _ body: (RPCEndpoint) async throws -> Void) async throws {
        let server = try await RegistryServer(
            registry: registry(database.pool), configuration: RPCServerConfiguration(), authentication: .tokens([]),
            logger: quiet)
        let endpoint = try await server.rpc.start()
        do {
            try await body(endpoint)
        } catch {
            await server.rpc.shutDown(within: .seconds(1))
            throw error
        }
        await server.rpc.shutDown(within: .seconds(1))
    }

    /// Runs `body` with a parent and regions that have mirrored its release.
    static func with(
        _ names: [String], _ body: (_ parent: ModelFixture, _ database: TestDatabase, [Place]) async throws -> Void
    ) async throws {
        try await withParent { model, database, endpoint in
            try await grow(names[...], [], model, endpoint) { try await body(model, database, $0) }
        }
    }

    /// Runs `body` with regions of a parent that is served at an endpoint.
    static func grow(
        _ names: ArraySlice<String>, _ places: [Place], _ parent: ModelFixture, _ endpoint: RPCEndpoint,
        _ body: ([Place]) async throws -> Void
    ) async throws {
        guard let name = names.first else { return try await body(places) }
        try await withDatabase { database in
            let token = Digest.of(Array(name.utf8)).bytes
            _ = try await parent.registry.register(
                DeviceRegistration(deviceID: name, deviceClass: ModelFixture.deviceClass, token: token),
                as: Provenance(actor: name))
            var configuration = RPCClientConfiguration()
            configuration.authenticationData = Credential.device(id: name, token: token).authenticationData
            let connection = RPCClient(endpoint: endpoint, configuration: configuration)
            defer { connection.close() }
            try await database.withPool(as: .region) { pool in
                let region = Region(
                    registry: registry(pool), parent: RegistryClient(connection), parentName: "parent", name: name,
                    policy: TrainerPolicy(), logger: quiet)
                try await region.follow()
                let trainer = try Trainer(
                    registry: region.registry, name: "trainer-\(name)", region: name, logger: quiet)
                let fixture = try await ModelFixture.mirror(of: parent, in: registry(database.pool))
                let place = Place(database: database, region: region, trainer: trainer, model: fixture)
                try await grow(names.dropFirst(), places + [place], parent, endpoint, body)
            }
        }
    }

    /// What a device trains; it depends on its number alone.
    static func submit(_ device: Int, to model: ModelFixture) async throws -> UpdateID {
        try await model.submit(
            [
                .init("l0.m00", importance: Double(device) + 0.25, samples: Int64(device + 1)),
                .init("stem0", samples: Int64(2 * device + 3)), .init("l1.m01", importance: 0, samples: 5),
            ], from: "device-\(device)", seed: UInt64(100 + device))
    }
}
