import ECLMCore
import Foundation
import Testing

@testable import EdgeClient

@Suite("Sub-models on the disk")
struct SubModelTests {
    /// A module's weights as a file, and a manifest that names them.
    static func weights(_ value: Float, name: String = "w", shape: [Int] = [2, 3]) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        try builder.add(name, shape: shape, floats: Array(repeating: value, count: shape.reduce(1, *)))
        return try builder.build()
    }

    static func manifest(_ modules: [(name: String, bytes: [UInt8])], release: Int32 = 3) throws -> SubModelManifest {
        SubModelManifest(
            model: "vision", release: release, channel: "stable", deviceID: "cam-1",
            budget: Budget(memory: 1 << 40, flops: nil, fetchBytes: 9),
            totals: Budget(memory: 5, flops: 6, fetchBytes: 7),
            objective: 1.5, gap: 0,
            modules: try modules.enumerated().map { index, module in
                .init(
                    module: module.name, slot: ModuleSlot(kind: .expert, layer: 0, index: index), version: 2,
                    moduleVersionID: ModuleVersionID(40 + Int64(index)), digest: Digest.of(module.bytes),
                    bytes: Int64(module.bytes.count), importance: 0.5, file: SubModelManifest.fileName(of: module.name),
                    tensors: try SafetensorsFile(bytes: module.bytes).header.tensors)
            })
    }

    /// Fetches the weights and writes the sub-model as a pull does.
    static func place(_ manifest: SubModelManifest, _ blobs: [[UInt8]], _ fixture: Fixture, at path: String)
        async throws
    {
        let client = try fixture.client()
        for blob in blobs { try await client.cache.fetch(fixture.service.add(blob), from: client.registry) }
        try SubModelDirectory(path: path).replace(with: manifest, from: client.cache, overwrites: false)
        try client.state.addRoot(path)
    }

    @Test("A manifest reads as it was written")
    func roundTrip() throws {
        let fixture = try Fixture()
        let manifest = try Self.manifest([("l0.m00", Self.weights(1)), ("l0.m01", Self.weights(2))])
        try manifest.write(to: fixture.directory)
        #expect(try SubModelManifest(directory: fixture.directory) == manifest)
        let text = String(decoding: try fixture.contents(fixture.directory + "/submodel.json"), as: UTF8.self)
        #expect(text.contains("\"module_version_id\" : 40"))
        #expect(text.contains("\"fetch_bytes\" : 9"))
    }

    @Test(
        "A manifest that names files elsewhere, or is none, is refused",
        arguments: ["../../etc/passwd", "a/b", ".hidden", ""])
    func hostileManifest(file: String) async throws {
        let fixture = try Fixture()
        var manifest = try Self.manifest([("l0.m00", Self.weights(1))])
        manifest.modules[0].file = file
        try manifest.write(to: fixture.directory)
        try await expectEdgeError(.invalidState) { _ = try SubModelManifest(directory: fixture.directory) }
        try fixture.write(Array("{}".utf8), to: fixture.directory + "/submodel.json")
        try await expectEdgeError(.invalidState) { _ = try SubModelManifest(directory: fixture.directory) }
    }

    @Test("A sub-model is links to the cache, and a new one replaces it whole")
    func replaces() async throws {
        let fixture = try Fixture()
        let (one, two) = (try Self.weights(1), try Self.weights(2))
        let path = fixture.directory + "/sub"
        try await Self.place(Self.manifest([("l0.m00", one), ("l0.m01", two)]), [one, two], fixture, at: path)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
                "l0.m00.safetensors", "l0.m01.safetensors", "submodel.json",
            ])
        #expect(try fixture.contents(path + "/l0.m01.safetensors") == two)
        let links = try FileManager.default.attributesOfItem(atPath: path + "/l0.m00.safetensors")[.referenceCount]
        #expect(links as? Int == 2)

        try await Self.place(Self.manifest([("l0.m07", two)], release: 4), [two], fixture, at: path)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
                "l0.m07.safetensors", "submodel.json",
            ])
        #expect(try fixture.client().state.subModels().map(\.manifest.release) == [4])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: fixture.directory).filter { $0.contains(".new") } == [])
    }

    @Test("Weights trained in place, and files of others, are not replaced unless told to")
    func keepsTrainedWeights() async throws {
        let fixture = try Fixture()
        let one = try Self.weights(1)
        let path = fixture.directory + "/sub"
        let manifest = try Self.manifest([("l0.m00", one)])
        try await Self.place(manifest, [one], fixture, at: path)
        try fixture.write(try Self.weights(9), to: path + "/l0.m00.safetensors")
        let cache = try fixture.client().cache
        try await expectEdgeError(.refused) {
            try SubModelDirectory(path: path).replace(with: manifest, from: cache, overwrites: false)
        }
        try fixture.write(one, to: path + "/l0.m00.safetensors")
        try fixture.write([1], to: path + "/notes.txt")
        try await expectEdgeError(.refused) {
            try SubModelDirectory(path: path).replace(with: manifest, from: cache, overwrites: false)
        }
        try SubModelDirectory(path: path).replace(with: manifest, from: cache, overwrites: true)
        #expect(try fixture.contents(path + "/l0.m00.safetensors") == one)
    }

    @Test("Pruning keeps what sub-models use, wherever they lie, and removes the rest")
    func prunes() async throws {
        let fixture = try Fixture()
        let (used, unused) = (try Self.weights(1), try Self.weights(2))
        let path = fixture.directory + "/elsewhere/sub"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await Self.place(Self.manifest([("l0.m00", used)]), [used, unused], fixture, at: path)
        let client = try fixture.client()
        try fixture.write([1, 2], to: client.cache.partialPath(of: Digest.of([9])))

        let planned = try await client.pruneCache(isDryRun: true)
        #expect(planned.blobs.map(\.digest) == [Digest.of(unused)])
        #expect(try client.cache.contents().entries.count == 2)

        #expect(try await client.pruneCache().partials.isEmpty)
        #expect(try client.cache.contents().entries.map(\.digest) == [Digest.of(used)])
        #expect(try await client.pruneCache(partialAge: .zero).partials.map(\.bytes) == [2])

        try FileManager.default.removeItem(atPath: path)
        #expect(try await client.pruneCache().blobs.map(\.digest) == [Digest.of(used)])
        #expect(try client.state.subModels().isEmpty)
    }

    @Test("Pruning waits for a pull under way")
    func pruneWaits() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add([1, 2, 3])
        let client = try fixture.client()
        try await client.cache.whileInUse {
            try await client.cache.fetch(digest, from: client.registry)
            let pruning = Task { try await client.pruneCache() }
            try await Task.sleep(for: .milliseconds(50))
            #expect(client.cache.holds(digest))
            pruning.cancel()
            try await expectEdgeError(.cancelled) { _ = try await pruning.value }
        }
        #expect(try await client.pruneCache().blobs.count == 1)
    }

    @Test("Verifying finds damaged blobs and removes them, and files that are not as they were pulled")
    func verifies() async throws {
        let fixture = try Fixture()
        let (one, two) = (try Self.weights(1), try Self.weights(2))
        let path = fixture.directory + "/sub"
        try await Self.place(Self.manifest([("l0.m00", one), ("l0.m01", two)]), [one, two], fixture, at: path)
        let client = try fixture.client()
        #expect(try await client.verifyCache().isIntact)
        try fixture.write([0], to: client.cache.path(of: Digest.of(one)))
        try FileManager.default.removeItem(atPath: path + "/l0.m01.safetensors")
        let found = try await client.verifyCache()
        #expect(found.damagedBlobs.map(\.digest) == [Digest.of(one)])
        #expect(found.damagedFiles == [path + "/l0.m01.safetensors"])
        #expect(!client.cache.holds(Digest.of(one)))
    }
}
