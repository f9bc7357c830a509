import ECLMCore
import EdgeClient
import Foundation
import PostgreSQL
import Registry
import RegistryProtocol
import TestSupport
import Testing

@Suite("A registry that was restored from a backup", .serialized)
struct RestoreTests {
    /// A registered device with a directory of its own.
    private struct Device {
        let client: EdgeClient
        let directory = NSTemporaryDirectory() + "eclm-restore-\(UUID().uuidString)"
        let model: String

        init(_ server: TestServer) async throws {
            model = server.model.name
            client = try EdgeClient(
                registry: RegistryClient(server.caller), state: StateDirectory(path: directory + "/state"))
            _ = try await client.register(deviceID: "device-1", deviceClass: ModelFixture.deviceClass)
        }

        /// The release that the channel points to, once it is another one than `release`.
        func release(after release: Int32) async throws -> Int32 {
            var found = release
            _ = try await eventually {
                found = (try? await client.waitForRelease(model: model, channel: "stable", after: release)) ?? release
                return found != release
            }
            return found
        }

        func pull(_ release: Int32) async throws -> PullResult {
            try await client.pull(PullRequest(model: model, source: .release(release)), overwrites: true)
        }

        /// Submits weights of one module.
        func submit(_ pulled: PullResult, _ bytes: [UInt8], _ encoding: UpdateEncoding) async throws -> SubmitResult {
            let path = directory + "/trained-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: path + "/l0.m00.safetensors"))
            return try await client.submit(
                Submission(
                    subModelDirectory: pulled.directory, weights: .directory(path), sampleCount: 10, encoding: encoding)
            )
        }

        func remove() { try? FileManager.default.removeItem(atPath: directory) }
    }

    /// Publishes other weights of `l0.m00`.
    private func publish(_ server: TestServer, seed: UInt64) async throws -> Int32 {
        var manifest = server.model.manifest
        let bytes = try server.model.weights(of: "l0.m00", seed: seed)
        try await server.model.registry.blobs.put(bytes, digest: .of(bytes))
        for index in manifest.modules.indices where manifest.modules[index].name == "l0.m00" {
            manifest.modules[index].digest = .of(bytes)
        }
        let result = try await server.model.registry.publish(
            manifest, channel: "stable", as: Provenance(actor: "publisher", reason: "seed \(seed)"))
        return Int32(result.release.number)
    }

    /// The server's broken connections are found one by one.
    private func settle(_ server: TestServer) async throws {
        var calls = 0
        _ = try await eventually {
            if (try? await server.call(UpdateServiceAPI.listUpdates)) != nil { calls += 1 }
            return calls >= 8
        }
    }

    @Test("numbers on behind whatever devices may hold, so that no old number is taken for a new one")
    func jumps() async throws {
        try await withServer { server in
            let device = try await Device(server)
            defer { device.remove() }
            let kept = try await device.submit(
                try await device.pull(1), try server.model.weights(of: "l0.m00", seed: 70), .delta)
            let backup = device.directory + "/backup"
            try await server.database.dump(to: backup)

            // What the backup does not have: a release, and an update of it.
            #expect(try await publish(server, seed: 2) == 2)
            #expect(try await device.release(after: 1) == 2)
            let lost = try await device.pull(2)
            #expect(lost.manifest["l0.m00"]?.version == 2)
            let trained = try server.model.weights(of: "l0.m00", seed: 71)
            let forgotten = try await device.submit(lost, trained, .delta)
            try await server.database.restore(from: backup)
            try await settle(server)

            // A watch after the lost release is told of the one that counts now.
            #expect(try await device.release(after: 2) == 1)
            let error = await #expect(throws: EdgeError.self) { try await device.submit(lost, trained, .sparseDelta) }
            #expect(
                error?.isOutdated == true && error?.message.contains("no release 2") == true,
                "\(String(describing: error))")

            // Published again: other numbers, though the database knows of one release alone.
            #expect(try await publish(server, seed: 3) == 100_001)
            // The server hears of it in its own time.
            #expect(try await eventually { try await device.release(after: 2) == 100_001 })
            for encoding in [UpdateEncoding.delta, .full] {
                let again = await #expect(throws: EdgeError.self) { try await device.submit(lost, trained, encoding) }
                #expect(again?.isOutdated == true)
            }
            let pulled = try await device.pull(100_001)
            #expect(pulled.manifest["l0.m00"]?.version == 100_001 && pulled.manifest["stem0"]?.version == 1)
            let taken = try await device.submit(pulled, trained, .delta)
            #expect(taken.updateID.rawValue > 1_000_000_000)
            await #expect(throws: EdgeError.self) { try await device.client.registry.update(forgotten.updateID) }
            #expect(try await device.client.registry.update(kept.updateID).status == .pending)

            let rows = try await server.database.pool.query(
                "SELECT incarnation, reason FROM eclm.incarnations ORDER BY incarnation")
            #expect(try rows.map { try $0.decode("incarnation", as: Int32.self) } == [1, 2])
            #expect(try rows.last?.decode("reason", as: String.self) == "it is another database")
            #expect(
                try await server.count(
                    """
                    SELECT (SELECT count(*) FROM eclm.audit WHERE action = 'incarnation.insert')
                        + (SELECT count(*) FROM eclm.audit_waiting WHERE action = 'incarnation.insert')
                    """) == 1)
            #expect(try await server.model.registry.verifyAudit().breaks.isEmpty)
        }
    }

    @Test("refuses what was made from other weights, also where a number was given out twice")
    func reused() async throws {
        try await withServer { server in
            let device = try await Device(server)
            defer { device.remove() }
            let backup = device.directory + "/backup"
            try await server.database.dump(to: backup)
            #expect(try await publish(server, seed: 2) == 2)
            #expect(try await device.release(after: 1) == 2)
            let lost = try await device.pull(2)
            try await server.database.restore(from: backup)
            // As if the database had not seen that it was restored.
            try await server.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        DELETE FROM eclm.number_jumps; DELETE FROM eclm.incarnations;
                        """)
            }
            try await settle(server)
            #expect(try await publish(server, seed: 3) == 2)
            #expect(
                try await eventually {
                    try await server.call(ReleaseServiceAPI.getRelease) { $0.model = "mlp" }.release?.number == 2
                })
            let trained = try server.model.weights(of: "l0.m00", seed: 71)
            for encoding in UpdateEncoding.allCases {
                let error = await #expect(throws: EdgeError.self) { try await device.submit(lost, trained, encoding) }
                #expect(
                    error?.isOutdated == true && error?.message.contains("restored from a backup") == true,
                    "\(String(describing: error))")
            }
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 0)
            // The server gives what counts now, though it had read another release of that number and identity before.
            var pulled = lost
            #expect(
                try await eventually {
                    pulled = try await device.pull(2)
                    return pulled.manifest["l0.m00"]?.digest != lost.manifest["l0.m00"]?.digest
                })
            _ = try await device.submit(pulled, trained, .delta)
        }
    }

    @Test("is told so by an operator where it cannot see it, as often as they like")
    func told() async throws {
        try await withServer { server in
            let first = try await server.model.registry.beginIncarnation(
                as: Provenance(actor: "alice", reason: "snapshot"))
            #expect(first.incarnation == 2 && first.reason == "snapshot" && first.begunBy == "alice")
            #expect(first.jumps.map(\.firstNumber) == [100_001] && first.jumps.map(\.lastRelease) == [1])
            let second = try await server.model.registry.beginIncarnation(
                as: Provenance(actor: "alice", reason: "again"))
            #expect(second.jumps.map(\.firstNumber) == [200_001] && second.jumps.map(\.model) == ["mlp"])
            #expect(try await publish(server, seed: 2) == 200_001)
            #expect(try await publish(server, seed: 3) == 200_002)
            try await server.database.withConnection(as: .trainer) { trainer in
                _ = await #expect(throws: PostgresError.self) {
                    try await trainer.query("SELECT eclm.begin_incarnation('no')")
                }
            }
        }
    }
}
