import ECLMCore
import Foundation
import RPC
import Synchronization
import Testing

@testable import EdgeClient

@Suite("Submitting")
struct SubmissionTests {
    private func device() async throws -> (fixture: Fixture, client: EdgeClient, subModel: String, trained: String) {
        let fixture = try Fixture()
        let (one, two) = (try SubModelTests.weights(1), try SubModelTests.weights(2))
        let manifest = try SubModelTests.manifest([("l0.m00", one), ("l0.m01", two)])
        let path = fixture.directory + "/sub"
        try await SubModelTests.place(manifest, [one, two], fixture, at: path)
        let client = try fixture.client()
        try client.state.save(
            DeviceIdentity(deviceID: "cam-1", deviceClass: "small", token: Array(repeating: 7, count: 32)))
        let trained = fixture.directory + "/trained"
        try FileManager.default.createDirectory(atPath: trained, withIntermediateDirectories: true)
        return (fixture, client, path, trained)
    }

    private func weights(_ name: String, shape: [Int], dtype: ElementType = .f32, value: Float = 5) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        let floats = Array(repeating: value, count: shape.reduce(1, *))
        try builder.add(name, shape: shape, dtype: dtype, floats: floats)
        return try builder.build()
    }

    @Test("Weights that do not fit the pulled versions are refused before anything is sent")
    func unfit() async throws {
        let (fixture, client, subModel, trained) = try await device()
        let faults: [(bytes: [UInt8], says: String)] = [
            (try weights("w", shape: [3, 2]), "[3, 2]"), (try weights("w", shape: [2, 3], dtype: .f16), "F16"),
            (try weights("v", shape: [2, 3]), "not in the version"),
            (try weights("w", shape: [2, 3], value: .nan), "not finite"),
            (try weights("w", shape: [2, 3], value: .infinity), "not finite"),
            ([1, 2, 3], "no safetensors file"), (try SafetensorsBuilder().build(), "missing"),
            (try SubModelTests.weights(1), "nothing was trained"),
        ]
        for fault in faults {
            try fixture.write(fault.bytes, to: trained + "/l0.m00.safetensors")
            let error = try await expectEdgeError(.invalidWeights) {
                _ = try await client.submit(
                    Submission(subModelDirectory: subModel, weights: .directory(trained), sampleCount: 1))
            }
            #expect(error.message.contains(fault.says), "\(error.message)")
        }
        #expect(fixture.service.state.withLock { $0.begins } == 0)
    }

    @Test("Weights of a module that is not in the sub-model are refused")
    func stranger() async throws {
        let (fixture, client, subModel, trained) = try await device()
        try fixture.write(try SubModelTests.weights(4), to: trained + "/l9.m00.safetensors")
        try await expectEdgeError(.invalidWeights) {
            _ = try await client.submit(
                Submission(subModelDirectory: subModel, weights: .directory(trained), sampleCount: 1))
        }
    }

    @Test("An upload keeps to the server's part sizes and arrives whole", arguments: [0, 64, 700])
    func uploads(multiple: Int64) async throws {
        let fixture = try Fixture()
        fixture.service.state.withLock { state in
            state.partMultiple = multiple
            state.partMaximum = 800
        }
        let file = try SafetensorsFile(bytes: try SubModelTests.weights(3, shape: [31, 33]))
        let digest = file.withUnsafeBytes { Digest.of($0) }
        let upload = BlobUpload(file: file, digest: digest, registry: fixture.registry())
        var moved: Int64 = 0
        #expect(try await upload.run(chunkBytes: 1000) { moved += $0 } == Int64(file.header.byteCount))
        #expect(moved == Int64(file.header.byteCount))
        #expect(fixture.service.state.withLock { $0.blobs[digest] != nil })
        #expect(try await upload.run(chunkBytes: 1000) { _ in } == 0)
    }

    @Test("An upload goes on after lost answers and lost parts, and sends no part that arrived again")
    func resumesUploads() async throws {
        let fixture = try Fixture()
        fixture.service.state.withLock { state in
            // The second part arrives but its answer does not; the fourth does not arrive.
            state.putFaults = [1: RPCError(.connectionClosed, "gone"), 4: RPCError(.unavailable, "gone")]
            state.putsCarriedOut = [1]
        }
        let file = try SafetensorsFile(bytes: try SubModelTests.weights(3, shape: [30, 40]))
        let digest = file.withUnsafeBytes { Digest.of($0) }
        let upload = BlobUpload(file: file, digest: digest, registry: fixture.registry())
        _ = try await upload.run(chunkBytes: 1000) { _ in }
        #expect(fixture.service.state.withLock { $0.blobs[digest]?.count } == file.header.byteCount)
        #expect(fixture.service.state.withLock { $0.begins } == 2)
    }

    @Test("A device's identity is readable by its owner only, and its token comes back whole")
    func identity() async throws {
        let (fixture, client, _, _) = try await device()
        let path = fixture.directory + "/device.json"
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try client.identity()?.tokenBytes() == Array(repeating: 7, count: 32))
        try await expectEdgeError(.refused) {
            _ = try await client.register(deviceID: "cam-2", deviceClass: "small")
        }
        try fixture.write(Array("{}".utf8), to: path)
        try await expectEdgeError(.invalidState) { _ = try client.identity() }
    }
}
