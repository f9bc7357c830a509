import ECLMCore
import Foundation
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Weights that come with their update")
struct AttachedWeightsTests {
    /// A submission of trained experts, and their weights.
    private func submission(
        _ server: TestServer, key: String = "key-1", seed: UInt64 = 1, device: String = "device-1"
    ) async throws -> (request: Wire.SubmitRequest, attachment: [UInt8]) {
        _ = try? await server.call(DeviceServiceAPI.registerDevice) {
            $0.deviceId = device
            $0.deviceClass = ModelFixture.deviceClass
            $0.token = DeviceTests.token
        }
        var request = Wire.SubmitRequest()
        request.deviceId = device
        request.model = "mlp"
        request.baseRelease = 1
        request.idempotencyKey = key
        request.sampleCount = 100
        var attachment: [UInt8] = []
        for (index, name) in ["l0.m00", "l0.m01"].enumerated() {
            let bytes = try server.model.weights(of: name, seed: seed + 1000 * UInt64(index))
            var module = Wire.TrainedModule()
            module.module = name
            module.baseVersion = 1
            module.importance = 0.75
            module.digest = Digest.of(bytes).bytes
            request.modules.append(module)
            var blob = Wire.AttachedBlob()
            blob.digest = module.digest
            blob.size = Int64(bytes.count)
            request.attached.append(blob)
            attachment += bytes
        }
        return (request, attachment)
    }

    private func submit(
        _ server: TestServer, _ request: Wire.SubmitRequest, _ attachment: [UInt8]
    ) async throws -> Wire.SubmitResponse {
        try await server.exchange(UpdateServiceAPI.submit, attachment: attachment) { $0 = request }.message
    }

    private func blobs(_ server: TestServer) async throws -> Int64 {
        try await server.count("SELECT count(*) FROM eclm.blobs")
    }

    @Test("are stored with it, once, and can be read", arguments: Transport.allCases)
    func stored(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let (request, attachment) = try await submission(server)
            let before = try await blobs(server)
            let answer = try await submit(server, request, attachment)
            #expect((answer.replayed, answer.storedBytes) == (false, Int64(attachment.count)))
            let again = try await submit(server, request, attachment)
            #expect((again.replayed, again.updateId, again.storedBytes) == (true, answer.updateId, 0))
            #expect(try await blobs(server) == before + 2)
            var read: [UInt8] = []
            for blob in request.attached {
                read += try await server.exchange(BlobServiceAPI.get) { $0.digest = blob.digest }.attachment
            }
            #expect(read == attachment)
            // Another update with the same weights stores nothing.
            var other = request
            other.idempotencyKey = "key-2"
            #expect(try await submit(server, other, attachment).storedBytes == 0)
        }
    }

    @Test("may be some of the update's weights, others put before")
    func mixed() async throws {
        try await withServer { server in
            var (request, attachment) = try await submission(server)
            let first = Int(request.attached[0].size)
            _ = try await server.put(Array(attachment[..<first]))
            request.attached.removeFirst()
            attachment.removeFirst(first)
            #expect(try await submit(server, request, attachment).storedBytes == Int64(attachment.count))
        }
    }

    @Test("are refused where they are not what the request says, and nothing is stored")
    func malformed() async throws {
        try await withServer { server in
            let (request, attachment) = try await submission(server)
            let before = try await blobs(server)
            var changed = attachment
            changed[changed.count - 1] ^= 1
            await refused(.invalidArgument, "digest") { try await submit(server, request, changed) }
            await refused(.invalidArgument, "names no blob") { try await submit(server, request, attachment + [0]) }
            await refused(.invalidArgument, "left") { try await submit(server, request, attachment.dropLast()) }
            var foreign = request
            foreign.modules.removeLast()
            await refused(.invalidArgument, "no module of the update") {
                try await submit(server, foreign, attachment)
            }
            var unknown = request
            unknown.modules[0].module = "l9.m99"
            await refused(.notFound, "no module") { try await submit(server, unknown, attachment) }
            var negative = request
            negative.attached[0].size = -1
            await refused(.invalidArgument, "-1 bytes") { try await submit(server, negative, attachment) }
            #expect(try await blobs(server) == before)
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 0)
        }
    }

    @Test("of many devices at once are one blob, with no chunk left over")
    func concurrency() async throws {
        try await withServer { server in
            var submissions: [(request: Wire.SubmitRequest, attachment: [UInt8])] = []
            for number in 0..<8 { submissions.append(try await submission(server, device: "device-\(number)")) }
            let before = try await blobs(server)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (request, attachment) in submissions {
                    group.addTask { _ = try await submit(server, request, attachment) }
                }
                try await group.waitForAll()
            }
            #expect(try await blobs(server) == before + 2)
            #expect(
                try await server.count(
                    "SELECT count(*) FROM eclm.blob_chunks WHERE storage_id NOT IN (SELECT storage_id FROM eclm.blobs)")
                    == 0)
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 8)
        }
    }

    @Test("Trainers are notified of an update once it is committed, and by whoever submits with SQL")
    func notification() async throws {
        try await withServer { server in
            let configuration = PostgresConfiguration(connectionString: server.database.connectionString)
            var events = PostgresListener(configuration: configuration, channels: ["eclm_updates"]).makeAsyncIterator()
            #expect(await events.next() == .connected)
            let (request, attachment) = try await submission(server)
            _ = try await submit(server, request, attachment)
            #expect(await events.next() == .notification(channel: "eclm_updates", payload: "1"))
            try await server.database.pool.query(
                """
                INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest, sample_count)
                VALUES ('device-1', 1, 1, 'by-hand', sha256('x'), 1)
                """)
            #expect(await events.next() == .notification(channel: "eclm_updates", payload: "1"))
        }
    }
}
