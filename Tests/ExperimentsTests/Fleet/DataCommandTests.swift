import Datasets
import Foundation
import TestSupport
import Testing

private let dataIsThere = FileManager.default.fileExists(atPath: "data/speech.safetensors")

@Suite("eclm data", .enabled(if: dataIsThere))
struct DataCommandTests {
    @Test("exports a device's examples in the order of the data set", arguments: [false, true])
    func export(tests: Bool) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID()).safetensors")
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try await Program(
            "eclm",
            ["data", "export", "--task", "speech", "--classes", "2", "--devices", "3", "--device", "device-001"]
                + ["--step", "2", "--out", file.path] + (tests ? ["--test"] : [])
        ).finish()
        #expect(result.status == 0, "\(result.errors)")
        let task = try FederatedTask.make(TaskSettings(dataset: .speech, skew: .classes(2), devices: 3))
        let stored = try #require(task.devices.first { $0.id == "device-001" }).recording(step: 2)
        #expect(try Examples.from(file: file.path) == (tests ? stored.test : stored.train))
    }
}
