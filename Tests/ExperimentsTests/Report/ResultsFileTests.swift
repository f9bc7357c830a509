import Foundation
import Testing

@testable import Experiments

@Suite("Files of results")
struct ResultsFileTests {
    private func written(_ text: String, _ body: (String) throws -> Void) throws {
        try ReportFixture.withFolder { folder in
            try text.write(toFile: folder + "/r.json", atomically: true, encoding: .utf8)
            try body(folder + "/r.json")
        }
    }

    private func expect(_ code: ExperimentError.Code, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("nothing was refused")
        } catch {
            #expect((error as? ExperimentError)?.code == code)
        }
    }

    @Test("Results come back as they were written")
    func roundTrip() throws {
        let experiment = ReportFixture.experiment.rounded()
        let prototype = ReportFixture.prototype.rounded()
        try written(String(decoding: ResultsFile.encode(experiment), as: UTF8.self)) {
            let read = try ResultsFile.readExperiment($0)
            #expect(read == experiment)
        }
        try written(String(decoding: ResultsFile.encode(prototype), as: UTF8.self)) {
            let read = try ResultsFile.readPrototype($0)
            #expect(read == prototype)
        }
    }

    @Test("Rounding twice changes nothing more, and moves accuracies by less than a hundredth of a point")
    func rounding() throws {
        let results = ReportFixture.experiment
        let rounded = results.rounded()
        #expect(rounded.rounded() == rounded)
        let before = try #require(results.rows[0].accuracy(of: .ours)?.mean)
        let after = try #require(rounded.rows[0].accuracy(of: .ours)?.mean)
        #expect(abs(before - after) < 1e-4)
    }

    @Test("JSON is laid out in lines that people read, whatever its strings hold")
    func layout() throws {
        let text = "quotes \" and \\ and , : [ ] { } é\n"
        var results = ReportFixture.experiment
        results.setup = [Fact(text, text)]
        let data = try ResultsFile.encode(results.rounded())
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 50)
        #expect(lines.allSatisfy { $0.count <= 160 && !$0.hasSuffix(" ") })
        #expect(try JSONDecoder().decode(ExperimentResults.self, from: data) == results.rounded())
    }

    @Test("A number that diverged is refused, with its place")
    func divergence() {
        var results = ReportFixture.experiment
        results.rows[0].methods[0].runs[1].deviceAccuracies[3] = .nan
        #expect {
            try results.check()
        } throws: {
            "\($0)".contains("row images, 2 classes a device, method ours, seed 2: accuracies must be in 0...1")
        }
        var prototype = ReportFixture.prototype
        prototype.stages[0].epochs[2].loss = .infinity
        expect(.invalidResults) { try prototype.check() }
    }

    @Test(
        "Results that contradict themselves are refused",
        arguments: [
            { $0.experiment = "../etc" },
            { $0.rows[1].name = "Images: 2 classes a device" },
            { $0.rows[0].methods[1].method = .ours },
            { $0.rows[0].methods[0].runs[0].seed = 9 },
            { $0.rows[0].methods[0].runs[0].deviceAccuracies = [] },
            { $0.rows[0].methods[0].runs[0].curve[3].round = 1 },
            { $0.rows[0].methods[0].runs[0].curve[3].bytesUp = 0 },
            { $0.rows[0].methods[0].runs[0].bytesUp = -1 },
            { $0.caps[0].points[2].cap = 0.1 },
            { $0.caps[0].points[2].accuracies = [] },
            { $0.continuous[0].methods[0].runs[0].seconds.removeLast() },
            { $0.ability[0].layers[0].after[0].removeLast() },
            { $0.ability[0].subTasks.removeLast() },
            { $0.schema = 2 },
        ] as [@Sendable (inout ExperimentResults) -> Void])
    func contradictions(change: @Sendable (inout ExperimentResults) -> Void) {
        var results = ReportFixture.experiment
        change(&results)
        expect(.invalidResults) { try results.check() }
        expect(.invalidResults) { try ReportFixture.withFolder { _ = try ReportWriter.write(results, to: $0) } }
    }

    @Test("Missing files, other layouts and damaged files are told apart")
    func badFiles() throws {
        expect(.unreadable) { _ = try ResultsFile.readExperiment("/nonexistent/r.json") }
        try written("{\"schema\": 7}") { path in
            expect(.unknownSchema) { _ = try ResultsFile.readExperiment(path) }
        }
        try written("{\"schema\": 1, \"rows\": 3}") { path in
            expect(.unreadable) { _ = try ResultsFile.readExperiment(path) }
        }
        try written("no json") { path in
            expect(.unreadable) { _ = try ResultsFile.readExperiment(path) }
        }
    }
}
