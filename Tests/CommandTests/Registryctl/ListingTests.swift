import ECLMCore
import Foundation
import Registry
import TestSupport
import Testing

@Suite("registryctl lists and shows")
struct ListingTests {
    private struct Listing<Item: Decodable>: Decodable {
        var items: [Item]
        var nextPageToken: String
    }

    @Test("models as a table and as JSON, with layers and channels")
    func models() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let table = try await database.registryctl("list-models")
            #expect(table.status == 0, "\(table.errors)")
            #expect(table.output.hasPrefix("MODEL"))
            #expect(table.rows.map { Array($0.prefix(5)) } == [["mlp", "2", "11", "1", "stable=1"]])

            struct Model: Decodable {
                struct Layer: Decodable { var layer: Int, name: String, block: String, modules: Int }
                var model: String, modules: Int, newestRelease: Int, layers: [Layer], createdAt: String
            }
            let json: Listing<Model> = try await database.registryctl("list-models", "--output", "json").json()
            #expect(json.items.map(\.model) == ["mlp"])
            #expect(json.items.first?.layers.map(\.name) == ["blocks.0", "blocks.1"])
            #expect(json.items.first?.createdAt.hasSuffix("Z") == true)
            #expect(try await database.registryctl("list-models", "--contains", "zzz").output.isEmpty)
        }
    }

    @Test("the modules of a release page by page, without gaps or repeats")
    func modulePages() async throws {
        struct Module: Decodable { var module: String, importance: Double, bytes: Int64, requirements: Requirements }
        struct Requirements: Decodable { var dtypes: [String], operators: [String], minimumRuntime: String }
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            var names: [String] = []
            var token = ""
            repeat {
                let page: Listing<Module> = try await database.registryctl(
                    "list-modules", "mlp", "--limit", "4", "--page-token", token, "--output", "json"
                ).json()
                #expect(page.items.count <= 4)
                names += page.items.map(\.module)
                token = page.nextPageToken
            } while !token.isEmpty
            #expect(names.count == model.manifest.modules.count)
            #expect(Set(names) == Set(model.manifest.modules.map(\.name)))

            let all: Listing<Module> = try await database.registryctl(
                "list-modules", "mlp", "--all", "--output", "json"
            ).json()
            #expect(all.items.map(\.module) == names)
            #expect(all.items.first?.requirements.minimumRuntime == "1.2.3")

            let filtered = try await database.registryctl("list-modules", "mlp", "--layer", "1", "--kind", "expert")
            #expect(filtered.rows.map { $0[0] } == ["l1.m00", "l1.m01", "l1.m02"])

            let hint = try await database.registryctl("list-modules", "mlp", "--limit", "4")
            #expect(hint.errors.contains("--page-token"))
        }
    }

    @Test("a model, a module and a version")
    func show() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            #expect(try await database.registryctl("show", "mlp").output.contains("blocks.1"))
            #expect(try await database.registryctl("show", "mlp/l0.m01").output.contains("in service"))
            struct Version: Decodable {
                struct Tensor: Decodable { var name: String, dtype: String, shape: [Int] }
                var digest: String, tensors: [Tensor], peakMemory: Int64, origin: String, createdBy: String
            }
            let version: Version = try await database.registryctl("show", "mlp/l0.m01@1", "--output", "json").json()
            let expected = try #require(model.manifest.modules.first { $0.name == "l0.m01" })
            #expect(version.digest == expected.digest.description)
            #expect(!version.tensors.isEmpty)
            #expect(version.peakMemory == 4096)
            #expect(version.origin == "publish")
            #expect(version.createdBy == "publisher")
            #expect(try await database.registryctl("versions", "mlp", "l0.m01").rows.map { $0[0] } == ["1"])
            #expect(try await database.registryctl("releases", "mlp").rows.map { $0[0] } == ["1"])
        }
    }

    @Test("device classes, devices, updates and rounds")
    func fleet() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let update = try await model.submit([.init("l0.m00")], from: "pi-1")
            let defined = try await database.registryctl(
                "devices", "define-class", "pi4", "--memory", "512MiB", "--flops", "8G", "--dtypes", "F32,f16",
                "--operators", "linear", "--runtime", "2.1.0")
            #expect(defined.status == 0, "\(defined.errors)")
            #expect(try await database.registryctl("devices", "classes").rows.map { $0[0] } == ["phone", "pi4"])
            #expect(
                try await database.registryctl("devices", "list", "--class", "phone").rows.map { $0[0] } == ["pi-1"])
            #expect(try await database.registryctl("devices", "list", "--class", "pi4").output.isEmpty)
            let shown = try await database.registryctl("devices", "show", "pi-1")
            #expect(shown.output.contains("pending"))
            let pending = try await database.registryctl("updates", "list", "--status", "pending")
            #expect(pending.rows.map { $0[0] } == [update.description])
            struct Update: Decodable { var update: Int64, device: String, status: String, modules: Int }
            let one: Update = try await database.registryctl(
                "updates", "show", update.description, "--output", "json"
            ).json()
            #expect(one.update == update.rawValue && one.device == "pi-1" && one.modules == 1)
            #expect(try await database.registryctl("rounds", "mlp").output.isEmpty)
        }
    }
}
