import Testing

@testable import Experiments

@Suite("Checks of the targets")
struct TargetCheckTests {
    /// A row where each method has one accuracy with every seed.
    private func row(_ accuracies: [MethodCode: Double], skew: ExperimentResults.Skew = .label) -> ExperimentResults.Row
    {
        ExperimentResults.Row(
            name: "r", dataset: "images", skew: skew, model: "m", devices: 1, seeds: [1],
            fullModel: ExperimentResults.FullModel(
                bytes: 100, parameters: 25, peakTrainingMemory: 1_000, secondsPerBatch: 1),
            methods: accuracies.map { code, accuracy in
                MethodResult(
                    method: code, title: "t",
                    runs: [
                        RunResult(
                            seed: 1, deviceAccuracies: [accuracy], subModelBytes: 1, subModelParameters: 1)
                    ])
            })
    }

    private func experiment(_ rows: [ExperimentResults.Row], caps: [CapResult] = []) -> ExperimentResults {
        ExperimentResults(
            experiment: "e", title: "E", preset: "quick", command: "c", machine: ReportFixture.machine, rows: rows,
            caps: caps)
    }

    private func caps(_ method: MethodCode, _ accuracies: [Double: Double], memory: Double = 250) -> CapResult {
        CapResult(
            row: "r", method: method,
            points: accuracies.sorted { $0.key < $1.key }.map {
                CapPoint(cap: $0.key, accuracies: [$0.value], subModelBytes: 1, peakTrainingMemory: memory)
            })
    }

    private func verdict(_ target: String, _ results: ExperimentResults...) throws -> String {
        let check = try #require(TargetCheck.all(of: results).first { $0.target.contains(target) })
        return check.verdict.description
    }

    private let good: [MethodCode: Double] = [
        .ours: 0.9, .noAdaptation: 0.7, .localAdaptation: 0.8, .adaptiveNet: 0.8, .fedAvg: 0.7, .heteroFL: 0.7,
        .heteroFLMasked: 0.75, .fedAvgFineTuned: 0.89,
    ]

    @Test("Ours is first only when it is ahead of every rival, masked HeteroFL too")
    func firstPlace() throws {
        #expect(try verdict("ours is first", experiment([row(good)])) == "met")
        var beaten = good
        beaten[.heteroFLMasked] = 0.93
        #expect(try verdict("ours is first", experiment([row(beaten)])) == "**missed by 3.00 points**")
        beaten[.heteroFLMasked] = 0.9
        #expect(try verdict("ours is first", experiment([row(beaten)])) == "**missed by a draw**")
        beaten[.fedAvgFineTuned] = nil
        #expect(try verdict("ours is first", experiment([row(beaten)])) == "not measured: without FA+FT")
    }

    @Test("Each row is checked for the first place")
    func everyRow() {
        let checks = TargetCheck.all(of: [experiment([row(good)]), experiment([row(good, skew: .feature)])])
        #expect(checks.filter { $0.target.contains("ours is first") }.count == 2)
    }

    @Test("The lead over NA counts on rows with label skew alone")
    func labelSkew() throws {
        #expect(try verdict("over NA", experiment([row(good)])) == "met")
        #expect(try verdict("over NA", experiment([row(good, skew: .feature)])).hasPrefix("not measured"))
        var close = good
        close[.noAdaptation] = 0.7112
        #expect(try verdict("over NA", experiment([row(close)])) == "**missed by 0.01 points**")
    }

    @Test("Mean leads take the better HeteroFL, and all rows or none")
    func meanLeads() throws {
        #expect(try verdict("on-device", experiment([row(good)])) == "met")
        // (20 + 15) / 2 = 17.5 points.
        let check = try #require(
            TargetCheck.all(of: [experiment([row(good)])]).first { $0.target.contains("collaborative") })
        #expect(check.measured == "+17.50")
        var partial = good
        partial[.fedAvg] = nil
        #expect(try verdict("collaborative", experiment([row(good), row(partial)])).hasPrefix("not measured"))
    }

    @Test("Size caps are checked for memory, ability enhancing and what they cost")
    func sizeCaps() throws {
        let ours = caps(.ours, [0.2: 0.88, 0.5: 0.9])
        let good = experiment([row(good)], caps: [ours, caps(.oursNoAbilityEnhancing, [0.2: 0.83])])
        #expect(try verdict("peak training memory", good) == "met")
        #expect(try verdict("ability enhancing", good) == "met")
        #expect(try verdict("20 % cap costs", good) == "met")
        let bad = experiment(
            [row(self.good)],
            caps: [caps(.ours, [0.2: 0.8, 0.5: 0.9], memory: 500), caps(.oursNoAbilityEnhancing, [0.2: 0.81])])
        #expect(try verdict("peak training memory", bad) == "**missed by 2.00 times**")
        #expect(try verdict("ability enhancing", bad) == "**missed by 6.00 points**")
        #expect(try verdict("20 % cap costs", bad) == "**missed by 6.35 points**")
    }

    @Test("Bytes are a mean over rows, and a row that does not reach the accuracy is a miss")
    func bytes() throws {
        let fixture = ReportFixture.experiment
        #expect(try verdict("as ours runs", fixture) == "met")
        #expect(try verdict("full weights", fixture) == "met")
        var slow = fixture
        slow.rows[0].methods.removeAll { $0.method == .oursFullWeights }
        #expect(try verdict("full weights", slow) == "not measured: a row lacks ours/full weights or FA")
        slow.rows[0].methods[0].runs = [1, 2, 3].map { ReportFixture.run(seed: $0, from: 0.5, to: 0.6) }
        #expect(try verdict("as ours runs", slow) == "**missed by 1 of 2 rows that do not reach it**")
    }

    @Test("A row where FedAvg never improves has no bytes to compare, and says so")
    func idleFedAvg() throws {
        var results = ReportFixture.experiment
        let index = try #require(results.rows[0].methods.firstIndex { $0.method == .fedAvg })
        results.rows[0].methods[index].runs = [1, 2, 3].map { ReportFixture.run(seed: $0, from: 0.8, to: 0.5) }
        let checks = TargetCheck.all(of: [results])
        let check = checks.first { $0.target.contains("as ours runs") }
        #expect(check?.verdict == .met)
        let said = "left out, as FedAvg is best before its first round: \"images, 2 classes a device\""
        #expect(check?.measured.hasSuffix(said) == true)
        results.rows.removeLast()
        #expect(try verdict("as ours runs", results) == "not measured: FedAvg never improves on its start")
    }

    @Test("Nothing measured is no target met")
    func empty() {
        let checks = TargetCheck.all(of: [experiment([])])
        #expect(!checks.isEmpty)
        #expect(checks.allSatisfy { $0.verdict.description.hasPrefix("not measured") })
    }
}
