import Foundation
import TestSupport

extension TestDatabase {
    /// Runs `registryctl` on this database, as alice unless told otherwise.
    func registryctl(_ arguments: String..., actor: String = "alice") async throws -> Program.Result {
        try await registryctl(arguments, actor: actor)
    }

    /// Runs `registryctl` on this database, as alice unless told otherwise.
    func registryctl(_ arguments: [String], actor: String? = "alice") async throws -> Program.Result {
        try await Program(
            "registryctl", arguments + (actor.map { ["--actor", $0] } ?? []),
            environment: ["ECLM_DATABASE": connectionString]
        ).finish()
    }
}

/// A folder that a test may fill, removed afterwards.
func withFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}
