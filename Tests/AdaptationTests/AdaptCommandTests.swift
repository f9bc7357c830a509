import ECLMCore
import EdgeClient
import Foundation
import Learning
import TestSupport
import Testing

@testable import Adaptation

@Suite("edgectl adapt")
struct AdaptCommandTests {
    private struct Report: Decodable {
        struct Update: Decodable {
            var id: Int64
            var status: String
        }
        struct Measurement: Decodable { var accuracy: Double }
        var release: Int
        var resumed: String?
        var update: Update?
        var after: Measurement?
        var warnings: [String]
        var subsets: [Subset]
        struct Subset: Decodable { var modules: [[Int]] }
    }

    private struct Failure: Decodable {
        struct Error: Decodable {
            struct Details: Decodable {
                struct Shortfall: Decodable {
                    var resource: String
                    var missing: Int64
                }
                var shortfalls: [Shortfall]
            }
            var code: String
            var message: String
            var details: Details?
        }
        var error: Error
    }

    private func failure(_ result: Program.Result) throws -> Failure.Error {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Failure.self, from: Data(result.errors.utf8)).error
    }

    @Test("adapts once, prints what it did for people and programs, and switches offline")
    func adapts() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let file = try bench.write(AdaptationBench.data(classes: [1, 3], count: 80, seed: 7), to: "day-1")
            let arguments = [
                "adapt", "--model", "toy", "--data", file, "--memory", "12KB", "--epochs", "5", "--rate", "0.01",
            ]
            let result = try await bench.edgectl(state, arguments + ["--output", "json"]).finish()
            #expect(result.status == 0, "\(result.errors)")
            let report = try result.json(Report.self)
            #expect(report.release == 1)
            #expect(report.update?.status == "pending")
            #expect(report.subsets.count > 1)
            let table = try await bench.edgectl(state, arguments).finish()
            #expect(table.status == 0, "\(table.errors)")
            for word in ["accuracy", "trained on", "int8_delta", "subset"] {
                #expect(table.output.lowercased().contains(word))
            }

            let offline = Program(
                "edgectl", ["adapt", "--model", "toy", "--offline", "--memory", "9KB", "--output", "json"],
                environment: ["ECLM_STATE": state])
            let switched = try await offline.finish()
            #expect(switched.status == 0, "\(switched.errors)")
            #expect(switched.output.contains("\"changed\" : true"))
            let small = try await Program(
                "edgectl", ["adapt", "--model", "toy", "--offline", "--memory", "1KB"],
                environment: ["ECLM_STATE": state]
            ).finish()
            #expect(small.status == 6)
            #expect(small.errors.contains("smallest needs"))
            let never = try await Program(
                "edgectl", ["adapt", "--model", "other", "--offline"], environment: ["ECLM_STATE": state]
            ).finish()
            #expect(never.status == 4)
        }
    }

    @Test("refuses data it cannot learn from, and sends nothing")
    func badData() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let good = try AdaptationBench.data(classes: [1, 3], count: 20, seed: 7)
            var nan = good.values
            nan[9] = .nan
            let files: [(String, TrainingData, String)] = [
                (
                    "missing-feature",
                    try TrainingData(shape: [7], values: Array(good.values.prefix(140)), labels: good.labels), "[7]"
                ),
                ("label", try TrainingData(shape: [8], values: good.values, labels: good.labels.map { $0 + 2 }), "5"),
                ("nan", try TrainingData(shape: [8], values: nan, labels: good.labels), "nan"),
            ]
            for (name, data, word) in files {
                let file = try bench.write(data, to: name)
                let result = try await bench.edgectl(state, ["adapt", "--model", "toy", "--data", file]).finish()
                #expect(result.status == 4, "\(name): \(result.errors)")
                #expect(result.errors.lowercased().contains(word), "\(name): \(result.errors)")
            }
            let absent = try await bench.edgectl(state, ["adapt", "--model", "toy", "--data", "/none"]).finish()
            #expect(absent.status == 3, "\(absent.errors)")
            let garbage = "\(bench.folder)/garbage"
            try Data("no tensors".utf8).write(to: URL(fileURLWithPath: garbage))
            let damaged = try await bench.edgectl(state, ["adapt", "--model", "toy", "--data", garbage]).finish()
            #expect(damaged.status == 4, "\(damaged.errors)")
            #expect(try await bench.updates().isEmpty)

            let one = try bench.write(AdaptationBench.data(classes: [2], count: 20, seed: 7), to: "one-class")
            let single = try await bench.edgectl(
                state, ["adapt", "--model", "toy", "--data", one, "--output", "json"]
            ).finish()
            #expect(single.status == 0, "\(single.errors)")
            #expect(try single.json(Report.self).warnings.first?.contains("class 2") == true)
        }
    }

    @Test("explains a budget that no sub-model fits, and a run that diverged")
    func refusals() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let file = try bench.write(AdaptationBench.data(classes: [1, 3], count: 40, seed: 7), to: "data")
            let arguments = ["adapt", "--model", "toy", "--data", file, "--output", "json"]
            let small = try await bench.edgectl(state, arguments + ["--memory", "7KB"]).finish()
            #expect(small.status == 6)
            let shortfall = try #require(try failure(small).details?.shortfalls.first)
            #expect(shortfall.resource == "memory")
            #expect(shortfall.missing == 1000)
            let absurd = try await bench.edgectl(state, arguments + ["--rate", "1e30"]).finish()
            #expect(absurd.status == 1)
            #expect(try failure(absurd).code == "diverged")
            #expect(try await bench.updates().isEmpty)
            for wrong in [["--rate", "0"], ["--held-out", "1"], ["--watch-drift", "--offline"], ["--epochs", "0"]] {
                #expect(try await bench.edgectl(state, arguments + wrong).finish().status == 64, "\(wrong)")
            }
        }
    }

    @Test("killed while it trains, the same command trains anew and submits once")
    func killed() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let file = try bench.write(AdaptationBench.data(classes: [1, 3], count: 80, seed: 7), to: "data")
            let arguments = [
                "adapt", "--model", "toy", "--data", file, "--epochs", "300", "--rate", "0.003", "--output", "json",
            ]
            let first = bench.edgectl(state, arguments)
            try first.start()
            // The sub-model is there and training has begun.
            let job = "\(state)/adaptations/toy/job.json"
            let end = ContinuousClock.now + .seconds(60)
            while !FileManager.default.fileExists(atPath: job), ContinuousClock.now < end, first.isRunning {
                try await Task.sleep(for: .milliseconds(5))
            }
            first.send(SIGKILL)
            _ = try await first.finish()
            #expect(try await bench.updates().isEmpty)
            let second = try await bench.edgectl(state, arguments).finish()
            #expect(second.status == 0, "\(second.errors)")
            #expect(try second.json(Report.self).resumed == "training")
            #expect(try await bench.updates().count == 1)
        }
    }

    @Test("watching, it adapts again when its data drifts, and not when it does not")
    func watches() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let file = try bench.write(AdaptationBench.data(classes: [1, 3], count: 80, seed: 7), to: "live")
            let watch = bench.edgectl(
                state,
                [
                    "adapt", "--model", "toy", "--data", file, "--epochs", "2", "--watch-drift", "--interval", "0.05",
                    "--adaptations", "2", "--false-alarms", "0.001", "--output", "json",
                ])
            try watch.start()
            func wait(for word: String, count: Int = 1) async throws {
                let end = ContinuousClock.now + .seconds(60)
                while watch.text("output").components(separatedBy: word).count <= count, ContinuousClock.now < end,
                    watch.isRunning
                {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            try await wait(for: #""event":"adapted""#)
            _ = try bench.write(AdaptationBench.data(classes: [1, 3], count: 80, seed: 8), to: "live")
            try await wait(for: #""event":"checked""#)
            try Data("half".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
            try await wait(for: #""event":"skipped""#)
            _ = try bench.write(AdaptationBench.data(classes: [0, 2], count: 80, seed: 9), to: "live")
            let result = try await watch.finish(timeout: .seconds(60))
            #expect(result.status == 0, "\(result.errors)")
            let events = result.output.split(separator: "\n").compactMap { line -> String? in
                struct Event: Decodable { var event: String }
                return try? JSONDecoder().decode(Event.self, from: Data(line.utf8)).event
            }
            #expect(events == ["adapted", "checked", "skipped", "checked", "adapted"], "\(result.output)")
            #expect(try await bench.updates().count == 2)
        }
    }
}
