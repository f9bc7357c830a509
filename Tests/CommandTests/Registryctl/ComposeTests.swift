import ECLMCore
import Foundation
import TestSupport
import Testing

@Suite("registryctl composes")
struct ComposeTests {
    private struct Composition: Decodable {
        struct Use: Decodable { var resource: String, budget: Int64?, used: Int64, slack: Int64?, isBinding: Bool }
        struct Module: Decodable { var module: String, layer: Int?, isHeld: Bool, fetchBytes: Int64, digest: String }
        struct Excluded: Decodable { var module: String, reasons: [String] }
        struct Layer: Decodable { var layer: Int, chosen: Int, offered: Int }
        var objective: Double, isOptimal: Bool, resources: [Use], modules: [Module], fetch: [String]
        var excluded: [Excluded]?, layers: [Layer]?
    }

    @Test("everything without a budget, and the best of each layer within one")
    func budget() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let all: Composition = try await database.registryctl("compose", "mlp", "--output", "json").json()
            #expect(all.modules.count == model.manifest.modules.count)
            #expect(all.excluded == nil)

            // Three shared parts and one module a layer, at 4096 bytes of memory each.
            try await withFolder { folder in
                let file = folder.appendingPathComponent("gates.json")
                try Data(#"{"l0.m02": 5, "l1.m00": 7}"#.utf8).write(to: file)
                let tight: Composition = try await database.registryctl(
                    "compose", "mlp", "--memory", "20KiB", "--importances", file.path, "--explain", "--output", "json"
                ).json()
                #expect(Set(tight.modules.filter { $0.layer != nil }.map(\.module)) == ["l0.m02", "l1.m00"])
                #expect(tight.isOptimal && tight.objective == 12)
                let memory = try #require(tight.resources.first { $0.resource == "memory" })
                #expect(memory.used == 20_480 && memory.slack == 0 && memory.isBinding)
                #expect(tight.layers?.map(\.chosen) == [1, 1] && tight.layers?.map(\.offered) == [4, 4])
                #expect(tight.excluded?.count == 6)

                try Data(#"{"absent": 1}"#.utf8).write(to: file)
                let unknown = try await database.registryctl("compose", "mlp", "--importances", file.path)
                #expect(unknown.status == 3)
                try Data(#"{"layers": [[0, 0, 5, 0], [7, 0, 0, 0]]}"#.utf8).write(to: file)
                let layers: Composition = try await database.registryctl(
                    "compose", "mlp", "--memory", "20KiB", "--importances", file.path, "--output", "json"
                ).json()
                #expect(layers.modules.map(\.module) == tight.modules.map(\.module))
                try Data(#"{"layers": [[1, 2], [3]]}"#.utf8).write(to: file)
                #expect(try await database.registryctl("compose", "mlp", "--importances", file.path).status == 4)
                try Data(#""text""#.utf8).write(to: file)
                #expect(try await database.registryctl("compose", "mlp", "--importances", file.path).status == 4)
            }

            let explained = try await database.registryctl("compose", "mlp", "--memory", "20KiB", "--explain")
            for word in ["proved the best", "SLACK", "CHOSEN", "LEFT OUT", "others are worth more"] {
                #expect(explained.output.contains(word), "\(word) is missing in \(explained.output)")
            }
        }
    }

    @Test("what the device holds costs no bytes to fetch")
    func held() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await withFolder { folder in
                let file = folder.appendingPathComponent("held.txt")
                let digests = model.manifest.modules.map(\.digest.description).joined(separator: "\n")
                try Data("# all of them\n\(digests)\n".utf8).write(to: file)
                let result: Composition = try await database.registryctl(
                    "compose", "mlp", "--fetch-bytes", "0", "--held", file.path, "--output", "json"
                ).json()
                #expect(result.modules.allSatisfy { $0.isHeld && $0.fetchBytes == 0 })
                #expect(result.fetch.isEmpty)
                try Data("sha256:12\n".utf8).write(to: file)
                let malformed = try await database.registryctl("compose", "mlp", "--held", file.path)
                #expect(malformed.status == 4 && malformed.errors.contains("line 1"))
            }
        }
    }

    @Test("6 with the shortfall and the smallest budget where nothing fits")
    func infeasible() async throws {
        struct Failure: Decodable {
            struct Budget: Decodable { var memory: Int64? }
            struct Shortfall: Decodable { var resource: String, budget: Int64, needed: Int64, missing: Int64 }
            struct Details: Decodable { var shortfalls: [Shortfall], smallestBudget: Budget?, isExact: Bool }
            struct Inner: Decodable { var code: String, details: Details }
            var error: Inner
        }
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let table = try await database.registryctl("compose", "mlp", "--memory", "10000")
            #expect(table.status == 6)
            #expect(table.errors.contains("--memory 20480"))
            let json = try await database.registryctl("compose", "mlp", "--memory", "10000", "--output", "json")
            #expect(json.status == 6 && json.output.isEmpty)
            let failure = try JSONDecoder.snakeCase.decode(Failure.self, from: Data(json.errors.utf8))
            #expect(failure.error.code == "infeasible")
            #expect(failure.error.details.shortfalls.first?.missing == 10_480)
            #expect(failure.error.details.smallestBudget?.memory == 20_480)
        }
    }

    @Test("by device class, with a reason for what its devices cannot run")
    func deviceClass() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            _ = try await database.registryctl(
                "devices", "define-class", "old", "--memory", "1GiB", "--flops", "1T", "--operators", "linear",
                "--runtime", "1.0")
            let old = try await database.registryctl("compose", "mlp", "--device-class", "old")
            #expect(old.status == 4)
            #expect(old.errors.contains("runtime"))
            let phone = try await database.registryctl("compose", "mlp", "--device-class", "phone")
            #expect(phone.status == 0, "\(phone.errors)")
            #expect(phone.output.contains("for phone"))
        }
    }
}
