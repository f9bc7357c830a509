import ECLMCore
import Foundation
import Registry
import TestSupport
import Testing

@Suite("registryctl rolls back")
struct RollBackTests {
    private struct RollBack: Decodable {
        struct Release: Decodable { var release: Int, origin: String, reason: String, createdBy: String }
        struct Change: Decodable, Equatable { var module: String, fromVersion: Int, toVersion: Int }
        var release: Release
        var changes: [Change]
    }

    /// A model with two releases more, each of which changed `l0.m00` and `l1.m01`.
    private func withThreeReleases(_ body: (TestDatabase, ModelFixture) async throws -> Void) async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            for seed in 2...3 {
                var manifest = model.manifest
                manifest.modules = try await manifest.modules.asyncFilter(["l0.m00", "l1.m01"]) { module in
                    let bytes = try model.weights(of: module.name, seed: UInt64(seed))
                    module.digest = .of(bytes)
                    try await model.registry.blobs.put(bytes, digest: module.digest)
                }
                _ = try await model.registry.publish(
                    manifest, channel: "stable", as: Provenance(actor: "publisher", reason: "change \(seed)"))
            }
            try await body(database, model)
        }
    }

    @Test("to a release, with a history that tells who and why, and the rest untouched")
    func release() async throws {
        try await withThreeReleases { database, model in
            let result: RollBack = try await database.registryctl(
                "rollback", "mlp", "--to-release", "1", "--reason", "worse", "--output", "json", actor: "bob"
            ).json()
            #expect(result.release.release == 4)
            #expect(result.release.origin == "rollback" && result.release.createdBy == "bob")
            #expect(
                result.changes == [
                    .init(module: "l0.m00", fromVersion: 3, toVersion: 1),
                    .init(module: "l1.m01", fromVersion: 3, toVersion: 1),
                ])
            let history = try await database.registryctl("channel", "history", "mlp", "stable")
            #expect(history.rows.map { Array($0.prefix(4)) }.first == ["4", "3", "4", "rollback"])
            #expect(history.rows.first?.last == "worse")
            #expect(history.rows.count == 4)
            let releases = try await database.registryctl("releases", "mlp")
            #expect(releases.rows.map { $0[0] } == ["4", "3", "2", "1"])
            #expect(releases.output.contains("withdrawn"))
            #expect(try await model.versions()["l0.m00"]?.version == 1)

            let withdrawn = try await database.registryctl(
                "rollback", "mlp", "--to-release", "3", "--reason", "better after all")
            #expect(withdrawn.status == 4)
            #expect(withdrawn.errors.contains("--reinstate"))
            let reinstated = try await database.registryctl(
                "rollback", "mlp", "--to-release", "3", "--reason", "better after all", "--reinstate")
            #expect(reinstated.status == 0, "\(reinstated.errors)")
            #expect(try await model.versions()["l0.m00"]?.version == 3)
        }
    }

    @Test("single modules, to the version before or to one that is named")
    func modules() async throws {
        try await withThreeReleases { database, model in
            let result: RollBack = try await database.registryctl(
                "rollback", "mlp", "--module", "l0.m00", "--module", "l1.m01@1", "--reason", "diverged", "--output",
                "json"
            ).json()
            #expect(
                result.changes == [
                    .init(module: "l0.m00", fromVersion: 3, toVersion: 2),
                    .init(module: "l1.m01", fromVersion: 3, toVersion: 1),
                ])
            let other = try await database.registryctl("rollback", "mlp", "--module", "l0.m01", "--reason", "none")
            #expect(other.status == 4)
        }
    }

    @Test("a channel moves to a release and back")
    func move() async throws {
        try await withThreeReleases { database, _ in
            let moved = try await database.registryctl("channel", "move", "mlp", "canary", "--to-release", "2")
            #expect(moved.status == 0, "\(moved.errors)")
            #expect(
                try await database.registryctl("channel", "list", "mlp").rows == [["canary", "2"], ["stable", "3"]])
        }
    }
}

extension Array {
    /// The elements with a name in `names`, each changed by `change`.
    fileprivate func asyncFilter(
        _ names: Set<String>, _ change: (inout Element) async throws -> Void
    ) async throws -> [Element] where Element == ModelManifest.Module {
        var result: [Element] = []
        for var element in self where names.contains(element.name) {
            try await change(&element)
            result.append(element)
        }
        return result
    }
}
