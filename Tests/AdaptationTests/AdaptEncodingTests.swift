import ECLMCore
import Foundation
import Learning
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Adaptation

@Suite("edgectl adapt, update by update")
struct AdaptEncodingTests {
    private struct Report: Decodable {
        struct Update: Decodable {
            var id: Int64
            var encoding: String
            var modules: [String]
        }
        var release: Int
        var update: Update?
    }

    @Test("sends what it learned in each encoding, and the trainer folds it, twice", arguments: UpdateEncoding.allCases)
    func encodings(_ encoding: UpdateEncoding) async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            // The second update carries what the first left unsent, onto the release that the first made.
            for day in 1...2 {
                let file = try bench.write(
                    AdaptationBench.data(classes: [1, 3], count: 40, seed: UInt64(6 + day)), to: "day-\(day)")
                let result = try await bench.edgectl(
                    state,
                    [
                        "adapt", "--model", "toy", "--data", file, "--epochs", "2", "--rate", "0.01", "--fraction",
                        "0.25",
                        "--encoding", encoding.rawValue, "--output", "json",
                    ]
                ).finish()
                #expect(result.status == 0, "\(result.errors)")
                let report = try result.json(Report.self)
                #expect(report.release == day)
                #expect(report.update?.encoding == encoding.rawValue)
                let round = try await bench.runTrainer()
                #expect(round.status == 0, "\(round.errors)")
                let updates = try await bench.updates()
                #expect(updates.count == day)
                #expect(updates.allSatisfy { $0.status == .aggregated }, "\(updates)")
            }
            let rows = try await bench.database.pool.query("SELECT DISTINCT encoding FROM eclm.update_modules")
            #expect(try rows.map { try $0.decode("encoding", as: String.self) } == [encoding.rawValue])
        }
    }

    @Test("learns from modules in half precision, and sends what stays in it", arguments: UpdateEncoding.allCases)
    func halfPrecision(_ encoding: UpdateEncoding) async throws {
        try await withAdaptationBench { bench in
            let network = try ModularNetwork(fromBlobs: AdaptationBench.prototype.get())
            try await bench.publish(AdaptationBench.files(of: network, dtype: .f16))
            let state = try await bench.device("d1")
            for day in 1...2 {
                let file = try bench.write(
                    AdaptationBench.data(classes: [1, 3], count: 40, seed: UInt64(6 + day)), to: "day-\(day)")
                let result = try await bench.edgectl(
                    state,
                    [
                        "adapt", "--model", "toy", "--data", file, "--epochs", "2", "--rate", "0.01",
                        "--encoding", encoding.rawValue, "--output", "json",
                    ]
                ).finish()
                #expect(result.status == 0, "\(result.errors)")
                #expect(try result.json(Report.self).release == day + 1)
                let round = try await bench.runTrainer()
                #expect(round.status == 0, "\(round.errors)")
            }
            #expect(try await bench.updates().allSatisfy { $0.status == .aggregated })
            let dtypes = try await bench.database.pool.query(
                "SELECT DISTINCT dtype FROM eclm.module_versions WHERE origin = 'round'")
            #expect(try dtypes.map { try $0.decode("dtype", as: String.self) } == ["F16"])
        }
    }

    @Test("told to adapt at every change, it does so without asking whether the data drifted")
    func everyChange() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let file = try bench.write(AdaptationBench.data(classes: [1, 3], count: 40, seed: 7), to: "live")
            let watch = bench.edgectl(
                state,
                [
                    "adapt", "--model", "toy", "--data", file, "--epochs", "1", "--watch-drift", "--every-change",
                    "--interval", "0.05", "--adaptations", "2", "--output", "json",
                ])
            try watch.start()
            let end = ContinuousClock.now + .seconds(60)
            while !watch.text("output").contains(#""event":"adapted""#), ContinuousClock.now < end, watch.isRunning {
                try await Task.sleep(for: .milliseconds(20))
            }
            // Of the same classes: nothing that a test for drift would see.
            _ = try bench.write(AdaptationBench.data(classes: [1, 3], count: 40, seed: 8), to: "live")
            let result = try await watch.finish(timeout: .seconds(60))
            #expect(result.status == 0, "\(result.errors)")
            #expect(!result.output.contains(#""event":"checked""#))
            #expect(result.output.components(separatedBy: #""event":"adapted""#).count == 3, "\(result.output)")
            #expect(try await bench.updates().count == 2)
        }
    }
}
