import Decomposition
import ECLMCore
import Foundation
import PostgreSQL
import TestSupport
import Testing

@Suite("registryctl publishes and imports")
struct PublishTests {
    struct Publication: Decodable {
        struct Release: Decodable { var release: Int, channels: [String], createdBy: String, reason: String }
        struct Verification: Decodable { var layer: String, modules: Int, maximumDifference: Float }
        var release: Release
        var newVersions: Int, keptVersions: Int, blobsStored: Int
        var verification: [Verification]?
    }

    @Test("a checkpoint, verified, and the same again without a new version")
    func importCheckpoint() async throws {
        try await withDatabase { database in
            try await withFolder { folder in
                let files = try SmallCheckpoint.write(to: folder)
                let arguments = [
                    "import", "--checkpoint", files.checkpoint, "--spec", files.specification, "--verify", "--reason",
                    "first",
                    "--output", "json",
                ]
                let first = try await database.registryctl(arguments)
                #expect(first.status == 0, "\(first.errors)")
                let published: Publication = try first.json()
                #expect(published.release.release == 1)
                #expect(published.release.channels == ["stable"])
                #expect(published.release.createdBy == "alice")
                #expect(published.release.reason == "first")
                #expect(published.newVersions == 3)
                #expect(published.verification?.map(\.modules) == [2])

                let again: Publication = try await database.registryctl(arguments).json()
                #expect(again.release.release == 1)
                #expect(again.newVersions == 0)
                #expect(again.keptVersions == published.newVersions)
                #expect(again.blobsStored == 0)

                let named = try await database.registryctl(
                    "import", "--checkpoint", files.checkpoint, "--spec", files.specification, "--model", "other")
                #expect(named.status == 0, "\(named.errors)")
                #expect(try await database.registryctl("list-models").rows.map { $0[0] } == ["other", "small"])
            }
        }
    }

    @Test("a checkpoint that does not fit its specification is refused, and nothing is stored")
    func misfit() async throws {
        try await withDatabase { database in
            try await withFolder { folder in
                let files = try SmallCheckpoint.write(to: folder, modules: 99)
                let result = try await database.registryctl(
                    "import", "--checkpoint", files.checkpoint, "--spec", files.specification)
                #expect(result.status == 4)
                #expect(try await database.pool.query("SELECT FROM eclm.blobs").isEmpty)
                let absent = try await database.registryctl(
                    "import", "--checkpoint", folder.path + "/absent.safetensors", "--spec", files.specification)
                #expect(absent.status != 0)
                #expect(try await database.registryctl("list-models").output.isEmpty)
            }
        }
    }

    @Test("a manifest and its blobs, twice, storing each blob once")
    func manifest() async throws {
        try await withDatabase { database in
            try await withFolder { folder in
                let output = try BlobDirectory(path: folder.appendingPathComponent("out").path)
                let files = try SmallCheckpoint.write(to: folder)
                let specification = try DecompositionSpecification(
                    json: Array(Data(contentsOf: URL(fileURLWithPath: files.specification))))
                let manifest = try await Decomposer(specification).decompose(
                    SafetensorsFile(path: files.checkpoint), into: output)
                let arguments = [
                    "publish", "--manifest", output.manifestPath, "--channel", "canary", "--reason", "trial",
                    "--output", "json",
                ]
                let first = try await database.registryctl(arguments)
                #expect(first.status == 0, "\(first.errors)")
                let published: Publication = try first.json()
                #expect(published.release.channels == ["canary"])
                #expect(published.newVersions == manifest.modules.count)
                #expect(published.blobsStored == Set(manifest.modules.map(\.digest)).count)
                let again: Publication = try await database.registryctl(arguments).json()
                #expect(again.newVersions == 0 && again.blobsStored == 0 && again.release.release == 1)

                let digest = try #require(manifest.modules.first?.digest)
                try FileManager.default.removeItem(atPath: output.blobPath(digest))
                let known = try await database.registryctl(arguments)
                #expect(known.status == 0, "what the registry holds need not be in the folder")
            }
        }
    }

    @Test("a manifest whose blob is missing or altered is refused by name")
    func badBlob() async throws {
        try await withDatabase { database in
            try await withFolder { folder in
                let output = try BlobDirectory(path: folder.path)
                let files = try SmallCheckpoint.write(to: folder)
                let specification = try DecompositionSpecification(
                    json: Array(Data(contentsOf: URL(fileURLWithPath: files.specification))))
                let manifest = try await Decomposer(specification).decompose(
                    SafetensorsFile(path: files.checkpoint), into: output)
                let path = output.blobPath(try #require(manifest.modules.last?.digest))
                var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                bytes[bytes.count - 1] ^= 1
                try bytes.write(to: URL(fileURLWithPath: path))
                let altered = try await database.registryctl("publish", "--manifest", output.manifestPath)
                #expect(altered.status == 4, "\(altered.errors)")
                try FileManager.default.removeItem(atPath: path)
                let missing = try await database.registryctl("publish", "--manifest", output.manifestPath)
                #expect(missing.status == 3, "\(missing.errors)")
                #expect(try await database.registryctl("list-models").output.isEmpty)

                try Data("{\"model\": 1}".utf8).write(to: URL(fileURLWithPath: output.manifestPath))
                let malformed = try await database.registryctl("publish", "--manifest", output.manifestPath)
                #expect(malformed.status == 4)
                #expect(malformed.errors.contains("model"))
            }
        }
    }
}

/// A checkpoint with one feed-forward block of 3 -> 4 -> 2, and the specification that splits it.
enum SmallCheckpoint {
    static func write(to folder: URL, modules: Int = 2) throws -> (checkpoint: String, specification: String) {
        var builder = SafetensorsBuilder()
        try builder.add("embed", shape: [4, 3], floats: [Float](repeating: 0.5, count: 12))
        try builder.add("up.w", shape: [4, 3], floats: (0..<12).map { Float($0) / 8 - 1 })
        try builder.add("up.b", shape: [4], floats: [0.5, -0.5, 0.25, 0])
        try builder.add("down.w", shape: [2, 4], floats: (0..<8).map { 1 - Float($0) / 4 })
        try builder.add("down.b", shape: [2], floats: [10, -10])
        let checkpoint = folder.appendingPathComponent("model.safetensors")
        try Data(try builder.build()).write(to: checkpoint)
        let specification = folder.appendingPathComponent("spec.json")
        try Data(
            """
            {"model": "small", "summary": "a test's model", "shared": {"rest": "stem"}, "layers": [
                {"name": "block", "block": "feed_forward", "up": {"weight": "up.w", "bias": "up.b"},
                 "down": {"weight": "down.w", "bias": "down.b"}, "activation": "relu", "modules": \(modules)}]}
            """.utf8
        ).write(to: specification)
        return (checkpoint.path, specification.path)
    }
}
