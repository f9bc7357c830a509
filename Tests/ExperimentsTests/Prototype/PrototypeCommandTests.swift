import Datasets
import ECLMCore
import Foundation
import TestSupport
import Testing

@Suite("eclm prototype")
struct PrototypeCommandTests {
    private struct Document: Decodable {
        struct Publication: Decodable {
            struct Release: Decodable {
                var release: Int
                var channels: [String]
            }
            var release: Release
            var newVersions: Int
        }
        var model: String
        var steps: Int
        var resumedAt: Int
        var validationAccuracy: Double?
        var files: [String]
        var publication: Publication?
    }

    private struct Failure: Decodable {
        struct Error: Decodable {
            var code: String
            var message: String
            var exitStatus: Int
        }
        var error: Error
    }

    private static let spec = """
        {"model": "tiny", "input": [6], "classes": 3, "stem": {"kind": "dense", "width": 8},
         "layers": [{"name": "a", "block": "dense", "width": 8, "modules": 4, "inner": 3, "inner_norm": false}],
         "selector": {"widths": [4], "top_k": 5}}
        """
    private static let settings = """
        {"end_to_end": {"training": {"epochs": 8, "rate": 0.02}, "top_k": 2},
         "ability_enhancing": {"training": {"epochs": 8, "rate": 0.02}},
         "checkpoint_steps": 3}
        """

    /// Separable examples of three classes.
    private func examples(_ count: Int, seed: UInt64) throws -> Examples {
        var generator = SplitMix64(seed: seed)
        let labels = (0..<count).map { $0 % 3 }
        let values = labels.flatMap { label in
            (0..<6).map { Float(generator.normal() * 0.5 + ($0 / 2 == label ? 2 : 0)) }
        }
        return try Examples(shape: [6], values: values, labels: labels)
    }

    /// The command over small data of its own, with what it reads and writes in one folder.
    private func run(
        in folder: URL, _ arguments: [String], spec: String = spec, settings: String = settings,
        environment: [String: String] = [:]
    ) async throws -> Program.Result {
        let data = folder.appendingPathComponent("proxy.safetensors").path
        let validation = folder.appendingPathComponent("validation.safetensors").path
        try examples(96, seed: 1).write(file: data)
        try examples(60, seed: 2).write(file: validation)
        let files = [("spec.json", spec), ("settings.json", settings)]
        for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
        return try await Program(
            "eclm",
            ["prototype", "--data", data, "--validation", validation, "--output", "json"]
                + ["--spec", folder.appendingPathComponent("spec.json").path]
                + ["--settings", folder.appendingPathComponent("settings.json").path] + arguments,
            environment: environment
        ).finish()
    }

    private func withFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    @Test("writes manifest, blobs and report, and a second run finds all done")
    func files() async throws {
        try await withFolder { folder in
            let out = folder.appendingPathComponent("out")
            let arguments = ["--output-directory", out.path, "--checkpoint", out.path, "--seed", "7"]
            let result = try await run(in: folder, arguments)
            #expect(result.status == 0, "\(result.errors)")
            let document: Document = try result.json()
            #expect(document.model == "tiny" && document.steps == 48 && document.resumedAt == 0)
            let accuracy = try #require(document.validationAccuracy)
            #expect(accuracy > 0.8)
            #expect(Set(document.files).isSuperset(of: ["manifest.json", "tiny.md", "tiny.json"]))
            // In a pipe there is no progress bar.
            #expect(!result.errors.contains("\r"))
            let page = try String(contentsOf: out.appendingPathComponent("tiny.md"), encoding: .utf8)
            #expect(page.contains(".svg") && page.contains("--seed 7"))
            let manifest = try Data(contentsOf: out.appendingPathComponent("manifest.json"))
            let again = try await run(in: folder, arguments)
            #expect(try again.json(Document.self).resumedAt == 48)
            #expect(try Data(contentsOf: out.appendingPathComponent("manifest.json")) == manifest)
            let other = try await run(in: folder, ["--output-directory", out.path, "--checkpoint", out.path])
            #expect(other.status == 4)
            #expect(try failure(other).message.contains("another seed"))
        }
    }

    @Test("writes modules of half the size where half precision is asked for, and refuses types without fractions")
    func halfPrecision() async throws {
        try await withFolder { folder in
            var sizes: [String: Int] = [:]
            for dtype in ["f16", "F32"] {
                let out = folder.appendingPathComponent(dtype)
                let result = try await run(in: folder, ["--output-directory", out.path, "--dtype", dtype])
                #expect(result.status == 0, "\(result.errors)")
                let text = try Data(contentsOf: out.appendingPathComponent("manifest.json"))
                let manifest = try JSONDecoder().decode(ModelManifest.self, from: text)
                #expect(
                    manifest.modules.allSatisfy {
                        $0.requirements.dtypes == [ElementType(rawValue: dtype.uppercased())]
                    })
                sizes[dtype] = manifest.modules.flatMap(\.tensors).reduce(0) {
                    $0 + ($1.elementCount ?? 0) * $1.dtype.byteCount
                }
            }
            #expect(try #require(sizes["F32"]) == 2 * #require(sizes["f16"]))
            let refused = try await run(in: folder, ["--output-directory", folder.path, "--dtype", "I64"])
            #expect(refused.status == 64 && refused.errors.contains("I64"))
        }
    }

    @Test("publishes to a registry, as registryctl would")
    func publishes() async throws {
        try await withDatabase { database in
            try await withFolder { folder in
                let environment = ["ECLM_DATABASE": database.connectionString]
                let result = try await run(
                    in: folder, ["--publish", "--channel", "canary", "--actor", "alice"], environment: environment)
                #expect(result.status == 0, "\(result.errors)")
                let publication = try #require(try result.json(Document.self).publication)
                #expect(publication.release.release == 1 && publication.release.channels == ["canary"])
                #expect(publication.newVersions == 8)
                let profile = folder.appendingPathComponent("pi4.json")
                try Data(#"{"device_class": "pi4", "operations_per_second": 1e9}"#.utf8).write(to: profile)
                let unknown = try await run(
                    in: folder, ["--publish", "--class-profile", profile.path], environment: environment)
                #expect(unknown.status == 3)
            }
        }
    }

    @Test("ends as the contract of exit statuses says")
    func failures() async throws {
        try await withFolder { folder in
            let out = ["--output-directory", folder.appendingPathComponent("out").path]
            let lost = try await run(in: folder, [])
            #expect(lost.status == 64 && lost.errors.contains("--output-directory"))
            let misspelt = try await run(in: folder, out, settings: #"{"epochs": 1}"#)
            #expect(misspelt.status == 4)
            #expect(try failure(misspelt).message.contains("no key epochs"))
            let narrow = try await run(
                in: folder, out, spec: Self.spec.replacing(#""input": [6]"#, with: #""input": [5]"#))
            #expect(narrow.status == 4)
            #expect(try failure(narrow).code == "data")
            let wild = try await run(
                in: folder, out,
                settings: #"{"end_to_end": {"training": {"rate": 1e30, "optimization": "sgd", "clip_norm": null}}}"#)
            #expect(wild.status == 1)
            #expect(try failure(wild).code == "diverged")
            let missing = try await Program(
                "eclm", ["prototype", "--task", "har", "--data-directory", "/nowhere", "--output", "json"] + out
            ).finish()
            #expect(missing.status == 3)
            #expect(try failure(missing).message.contains("make data"))
        }
    }

    private func failure(_ result: Program.Result) throws -> Failure.Error {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Failure.self, from: Data(result.errors.utf8)).error
    }
}
