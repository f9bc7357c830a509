import ECLMCore
import Foundation
import TestSupport
import Testing

/// Health and metrics tell it too: `CatalogueTests` and `MetricsServerTests` compare them with the same.
@Suite("The version")
struct VersionTests {
    /// The programs, with those that are built only where libtorch is.
    static let programs =
        ["registryctl", "registryd", "trainerd", "edgectl"]
        + ["adapt", "eclm"].filter { FileManager.default.isExecutableFile(atPath: Program.path($0)) }

    @Test("is told by every program", arguments: programs)
    func told(program: String) async throws {
        let result = try await Program(program, ["--version"]).finish()
        #expect(result.status == 0)
        #expect(result.output == "\(ECLM.version)\n")
    }

    @Test("is the newest that the changelog has")
    func changelog() throws {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: checkout.appendingPathComponent("CHANGELOG.md"), encoding: .utf8)
        let newest = try #require(text.firstMatch(of: #/\n## \[([0-9]+\.[0-9]+\.[0-9]+)\]/#))
        #expect(newest.1 == ECLM.version)
    }
}
