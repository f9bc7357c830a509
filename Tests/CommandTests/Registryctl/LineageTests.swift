import Foundation
import Registry
import TestSupport
import Testing

@Suite("registryctl shows the lineage")
struct LineageCommandTests {
    private struct Document: Decodable {
        struct Edge: Decodable {
            var version: Int, parentKind: String, parentVersion: Int?, device: String?, weight: Double
        }
        var edges: [Edge]
        var isTruncated: Bool
    }

    /// A model after two rounds: the first folded two updates into `l0.m00`, the second one.
    private func withTwoRounds(_ body: (TestDatabase) async throws -> Void) async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.submit([.init("l0.m00", importance: 3)], from: "phone-1", seed: 1)
            try await model.submit([.init("l0.m00", importance: 1)], from: "phone-2", seed: 2)
            try await round(database)
            try await model.submit([.init("l0.m00")], from: "phone-1", seed: 3)
            try await round(database)
            try await body(database)
        }
    }

    private func round(_ database: TestDatabase) async throws {
        let trainer = try await Program(
            "trainerd", ["--once", "--database", database.connectionString]
        ).finish()
        try #require(trainer.status == 0, "\(trainer.errors)")
    }

    @Test("as a tree, as JSON and for Graphviz")
    func ancestors() async throws {
        try await withTwoRounds { database in
            let tree = try await database.registryctl("lineage", "mlp", "l0.m00")
            #expect(tree.status == 0, "\(tree.errors)")
            let lines = tree.output.split(separator: "\n").map(String.init)
            #expect(lines.first == "l0.m00@3  round 2")
            #expect(lines.last == "l0.m00@1")
            #expect(lines.count { $0.contains("of phone-1") } == 2)
            #expect(tree.output.contains("├─ ") && tree.output.contains("└─ "))

            let json: Document = try await database.registryctl("lineage", "mlp", "l0.m00", "--format", "json").json()
            #expect(json.edges.count { $0.parentKind == "update" } == 3)
            #expect(json.edges.count { $0.parentKind == "version" } == 2)
            let first = json.edges.filter { $0.version == 2 && $0.parentKind == "update" }
            #expect(abs(first.reduce(0) { $0 + $1.weight } - 1) < 1e-9)

            let dot = try await database.registryctl("lineage", "mlp", "l0.m00", "--format", "dot").output
            #expect(dot.hasPrefix("digraph lineage {") && dot.hasSuffix("}\n"))
            #expect(dot.count { $0 == "{" } == 1 && dot.count { $0 == "}" } == 1)
            #expect(dot.contains("\"v2\" -> \"v3\"") && dot.contains("\"v1\" -> \"v2\""))
            #expect(dot.split(separator: "\n").dropFirst().dropLast().allSatisfy { $0.hasSuffix(";") })
        }
    }

    @Test("downwards, and the parents of one version")
    func descendants() async throws {
        try await withTwoRounds { database in
            let tree = try await database.registryctl(
                "lineage", "mlp", "l0.m00@1", "--direction", "descendants")
            let versions = tree.output.split(separator: "\n").filter { $0.hasPrefix("l0.m00@") }
            #expect(versions == ["l0.m00@1", "l0.m00@2  round 1", "l0.m00@3  round 2"])
            let cut: Document = try await database.registryctl(
                "lineage", "mlp", "l0.m00", "--limit", "1", "--output", "json"
            ).json()
            #expect(cut.edges.count == 1 && cut.isTruncated)
            let version = try await database.registryctl("show", "mlp/l0.m00@2")
            #expect(version.output.contains("of phone-2"))
            #expect(try await database.registryctl("rounds", "mlp").rows.map { $0[0] } == ["2", "1"])
            let updates = try await database.registryctl("updates", "list", "--status", "aggregated")
            #expect(updates.output.contains("round 1, release 2"))
        }
    }
}
