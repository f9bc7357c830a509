import Testing

@testable import Experiments

@Suite("Statistics of experiments")
struct StatisticsTests {
    private func run(_ accuracies: [Double], bytes: Int = 100, seed: UInt64 = 1) -> RunResult {
        RunResult(
            seed: seed, deviceAccuracies: [accuracies.last ?? 0],
            curve: accuracies.enumerated().map {
                CurvePoint(
                    round: $0.offset, bytesUp: bytes * $0.offset, bytesDown: bytes * $0.offset, accuracy: $0.element)
            }, subModelBytes: 1, subModelParameters: 1)
    }

    private func row(_ methods: [(MethodCode, [RunResult])]) -> ExperimentResults.Row {
        ExperimentResults.Row(
            name: "r", dataset: "har", skew: .label, model: "m", devices: 1, seeds: [1, 2],
            methods: methods.map { MethodResult(method: $0.0, title: "t", runs: $0.1) })
    }

    @Test("The spread is the mean and the sample deviation; one value has none")
    func spread() throws {
        let spread = try #require(Spread([0.9, 0.92, 0.94]))
        #expect(spread.points == "92.00 ± 2.00")
        #expect(Spread([0.9])?.points == "90.00")
        #expect(Spread([-0.0123])?.signedPoints == "-1.23")
        #expect(Spread([0.0123])?.signedPoints == "+1.23")
        #expect(Spread([]) == nil)
    }

    @Test("A curve is smoothed over three rounds, so that one lucky round is no target")
    func smoothing() {
        let run = run([0.3, 0.6, 0.9, 0.6, 0.6])
        let expected = [0.45, 0.6, 0.7, 0.7, 0.6]
        #expect(zip(ByteAccounting.smoothed(run.curve), expected).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(ByteAccounting.point(of: run, reaching: 0.7)?.round == 2)
        #expect(ByteAccounting.point(of: run, reaching: 0.71) == nil)
        #expect(ByteAccounting.convergence(of: run)?.round == 2)
    }

    @Test("Bytes to FedAvg's accuracy are measured seed by seed, and both ways count")
    func bytesToTarget() throws {
        let slow = [0.5, 0.6, 0.7, 0.8, 0.8, 0.8]
        let fast = [0.5, 0.9, 0.9, 0.9]
        let row = row([
            (.fedAvg, [run(slow), run(slow, seed: 2)]), (.ours, [run(fast, bytes: 10), run(fast, bytes: 10, seed: 2)]),
        ])
        let ours = try #require(row.bytes(of: .ours))
        // FedAvg's best is 0.8 at round 4: 800 bytes. Ours has (0.9 + 0.9 + 0.9) / 3 at round 2; 0.767 at round 1.
        #expect(ours.toTarget == [40, 40])
        #expect(ours.fewerToTarget == 20)
        #expect(row.bytes(of: .fedAvg)?.fewerToTarget == 1)
        #expect(row.bytes(of: .fedAvg)?.toTarget == [800, 800])
    }

    @Test("A method that misses the accuracy with one seed has no factor")
    func notReached() throws {
        let row = row([
            (.fedAvg, [run([0.5, 0.8, 0.8, 0.8]), run([0.5, 0.8, 0.8, 0.8], seed: 2)]),
            (.ours, [run([0.5, 0.9, 0.9, 0.9]), run([0.5, 0.7, 0.7, 0.7], seed: 2)]),
        ])
        let ours = try #require(row.bytes(of: .ours))
        #expect(ours.toTarget.count == 1)
        #expect(ours.fewerToTarget == nil)
        #expect(ours.fewerToConvergence != nil)
    }

    @Test("A method that is there without sending anything is infinitely better")
    func nothingSent() {
        let row = row([(.fedAvg, [run([0.5, 0.6, 0.6])]), (.localAdaptation, [run([0.5, 0.9, 0.9], bytes: 0)])])
        #expect(row.bytes(of: .localAdaptation)?.fewerToTarget == .infinity)
    }

    @Test("Leads are taken seed by seed, over the seeds that both have")
    func leads() throws {
        let row = row([
            (.ours, [run([0.9]), run([0.8], seed: 2)]), (.noAdaptation, [run([0.5], seed: 2)]),
        ])
        let lead = try #require(row.lead(of: .ours, over: .noAdaptation))
        #expect(lead.count == 1)
        #expect(abs(lead.mean - 0.3) < 1e-12)
        #expect(row.lead(of: .ours, over: .fedAvg) == nil)
    }

    @Test("Routing is told by how many modules a sub-task uses and what sub-tasks share")
    func routing() {
        let even = RoutingStatistics([[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]])
        #expect(abs(even.modulesPerSubTask - 4) < 1e-9 && abs(even.overlap - 1) < 1e-9)
        let apart = RoutingStatistics([[1, 0], [0, 1]])
        #expect(apart.modulesPerSubTask == 1 && apart.overlap == 0)
    }
}
