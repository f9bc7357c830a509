import Datasets
import ECLMCore
import Foundation
import Learning
import Synchronization
import Testing

@testable import Experiments

/// The data that `make data` fetches, where the tests run.
private let dataIsThere = FileManager.default.fileExists(atPath: "data/har.safetensors")

@Suite("An experiment from end to end, on real data", .enabled(if: dataIsThere), .serialized)
struct SmokeTests {
    private func run(_ directory: String) async throws -> (outcome: ExperimentRunner.Outcome, trainings: Int) {
        let trainings = Mutex(0)
        let runner = try ExperimentRunner(
            .named("har", preset: .smoke),
            options: .init(workDirectory: directory, jobs: 2, command: "eclm experiment har --preset smoke"))
        let outcome = try await runner.run(onActivity: { trainings.withLock { $0 += 1 } })
        return (outcome, trainings.withLock { $0 })
    }

    /// The results without measured times, and without memory that the allocator may report differently.
    private func comparable(_ results: ExperimentResults) throws -> Data {
        var results = results.rounded()
        for row in results.rows.indices {
            results.rows[row].fullModel?.secondsPerBatch = 0
            for method in results.rows[row].methods.indices {
                for run in results.rows[row].methods[method].runs.indices {
                    results.rows[row].methods[method].runs[run].secondsPerBatch = nil
                }
            }
        }
        for cap in results.caps.indices {
            for point in results.caps[cap].points.indices { results.caps[cap].points[point].secondsPerBatch = nil }
        }
        for row in results.continuous.indices {
            for method in results.continuous[row].methods.indices {
                for run in results.continuous[row].methods[method].runs.indices {
                    results.continuous[row].methods[method].runs[run].seconds = []
                }
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(results)
    }

    @Test("gives every method a result better than chance, goes on where it stopped, and repeats itself")
    func smoke() async throws {
        let first = try TemporaryDirectory()
        let (outcome, trainings) = try await run(first.path)
        #expect(trainings > 0)
        let row = try #require(outcome.results.rows.first)
        #expect(row.methods.map(\.method) == MethodCode.known)
        for method in row.methods {
            let run = try #require(method.runs.first, "\(method.method)")
            #expect(run.deviceAccuracies.count == row.devices)
            // Six activities, about equally frequent: chance is 0.17.
            #expect(run.deviceAccuracies.mean > 0.3, "\(method.method): \(run.deviceAccuracies.mean)")
            let last = run.curve.last
            #expect(last.map { $0.bytesUp <= run.bytesUp } ?? true, "\(method.method)")
            let full = Double(row.fullModel?.bytes ?? 0)
            #expect(run.subModelBytes > 0 && run.subModelBytes <= full, "\(method.method)")
        }
        let sizes = Dictionary(uniqueKeysWithValues: row.methods.map { ($0.method, $0.runs[0].subModelBytes) })
        #expect(try #require(sizes[.ours]) < #require(sizes[.fedAvg]))
        let up = Dictionary(uniqueKeysWithValues: row.methods.map { ($0.method, $0.runs[0].bytesUp) })
        #expect(try #require(up[.ours]) < #require(up[.oursFullWeights]))
        let down = Dictionary(uniqueKeysWithValues: row.methods.map { ($0.method, $0.runs[0].bytesDown) })
        #expect(try #require(down[.oursHalfPrecision]) < #require(down[.ours]))
        #expect(outcome.search.contains { $0.isChosen })
        #expect(outcome.results.caps.allSatisfy { !$0.points.isEmpty })
        #expect(outcome.results.continuous.allSatisfy { $0.methods.allSatisfy { $0.runs[0].accuracies.count == 2 } })

        let (again, more) = try await run(first.path)
        #expect(more == 0, "nothing is left to train")
        #expect(try comparable(again.results) == comparable(outcome.results))

        let second = try TemporaryDirectory()
        #expect(try comparable(try await run(second.path).outcome.results) == comparable(outcome.results))

        let report = try TemporaryDirectory()
        let files = try ReportWriter.write(outcome.results, to: report.path)
        #expect(files.contains("har.json") && files.contains("har.md"))
    }
}
