import Datasets
import Foundation
import TestSupport
import Testing

@testable import Experiments

/// The data are the real ones: `make data` fetches them.
@Suite("eclm experiment", .enabled(if: FileManager.default.fileExists(atPath: "data/har.safetensors")))
struct ExperimentCommandTests {
    @Test("runs ours over the wire, and its results say that bytes were counted on the connections")
    func wire() async throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        var settings = try ExperimentSettings.named("har", preset: .smoke)
        settings.methods = [.noAdaptation, .ours]
        settings.caps = nil
        settings.continuous = nil
        settings.rows[0].task.devices = 3
        settings.federation.rounds = 1
        settings.federation.devicesPerRound = 2
        settings.search.fineTuningRates = [3e-3]
        let file = "\(folder.path)/settings.json"
        try JSONEncoder().encode(settings).write(to: URL(fileURLWithPath: file))

        let command = [
            "experiment", "har", "--settings", file, "--wire", "--output-directory", "\(folder.path)/report",
            "--work-directory", "\(folder.path)/work", "--output", "json", "--quiet",
        ]
        let result = try await Program("eclm", command).finish()
        #expect(result.status == 0, "\(result.errors)")
        let results = try ResultsFile.readExperiment("\(folder.path)/report/har.json")
        #expect(results.command.hasSuffix("--wire"))
        let row = try #require(results.rows.first)
        let ours = try #require(row.result(of: .ours)?.runs.first)
        #expect(ours.overTheWire)
        #expect(ours.deviceAccuracies.count == 3)
        #expect(ours.bytesUp > 0)
        // Each device fetches a sub-model, and the connection carries more than its files.
        #expect(Double(ours.bytesDown) > 3 * ours.subModelBytes)
        let local = try #require(row.result(of: .noAdaptation)?.runs.first)
        #expect(!local.overTheWire)
    }
}
