import ECLMCore
import Foundation
import Registry
import Testing

@Suite("A canary's test")
struct CanaryTestTests {
    /// What devices measure.
    enum Population: String, CaseIterable, CustomTestStringConvertible {
        /// 0 or 1: the widest there is.
        case bernoulli
        /// Evenly spread over 0.4.
        case uniform
        /// Mostly the best value, sometimes the worst.
        case skewed

        var testDescription: String { rawValue }

        /// One device's value, lower by `loss` in the mean.
        func draw(less loss: Double, using generator: inout SplitMix64) -> Double {
            switch self {
            case .bernoulli: Double.random(in: 0..<1, using: &generator) < 0.8 - loss ? 1 : 0
            case .uniform: Double.random(in: 0.5...0.9, using: &generator) - loss
            case .skewed: Double.random(in: 0..<1, using: &generator) < 0.97 - loss ? 1 : 0.01
            }
        }
    }

    private static let settings = CanarySettings(
        candidate: 2, share: 0.2, metric: "accuracy", margin: 0.05, alpha: 0.05, beta: 0.05, minimumObservations: 1)

    /// Plays canaries, looks after every block, and tells in how many each e-process ever reached its threshold.
    private func play(
        _ count: Int, blocks: Int, _ settings: CanarySettings, seed: UInt64,
        candidate: (inout SplitMix64) -> Double, control: (inout SplitMix64) -> Double
    ) throws -> (promotions: Int, rollbacks: Int, promoted: [Int], rolledBack: [Int]) {
        var generator = SplitMix64(seed: seed)
        var result = (promotions: 0, rollbacks: 0, promoted: [Int](), rolledBack: [Int]())
        let controls = Int(((1 - settings.share) / settings.share).rounded())
        for _ in 0..<count {
            var test = try CanaryTest(settings)
            var reached = (promotion: false, rollback: false)
            var verdict: CanaryTest.Verdict?
            for block in 1...blocks {
                let given = [candidate(&generator)]
                test.add(candidate: given, control: (0..<controls).map { _ in control(&generator) })
                reached.promotion = reached.promotion || test.promotion.logEValue >= test.promotion.needed
                reached.rollback = reached.rollback || test.rollback.logEValue >= test.rollback.needed
                if verdict == nil, let now = test.verdict {
                    verdict = now
                    if now == .promote { result.promoted.append(block) } else { result.rolledBack.append(block) }
                }
            }
            result.promotions += reached.promotion ? 1 : 0
            result.rollbacks += reached.rollback ? 1 : 0
        }
        return result
    }

    /// Three standard errors of a rate above it: what chance allows a simulation with a right rate.
    private func limit(_ rate: Double, of count: Int) -> Double {
        rate + 3 * (rate * (1 - rate) / Double(count)).squareRoot()
    }

    @Test("promotes a candidate that is worse by the margin at most as often as stated", arguments: Population.allCases)
    func falsePromotions(population: Population) throws {
        let count = 400
        let played = try play(
            count, blocks: 400, Self.settings, seed: 11,
            candidate: { population.draw(less: 0.05, using: &$0) }, control: { population.draw(less: 0, using: &$0) })
        let rate = Double(played.promotions) / Double(count)
        #expect(rate <= limit(0.05, of: count), "\(rate)")
    }

    @Test("rolls back a candidate that is as good at most as often as stated", arguments: Population.allCases)
    func falseRollbacks(population: Population) throws {
        let count = 400
        let played = try play(
            count, blocks: 400, Self.settings, seed: 12,
            candidate: { population.draw(less: 0, using: &$0) }, control: { population.draw(less: 0, using: &$0) })
        let rate = Double(played.rollbacks) / Double(count)
        #expect(rate <= limit(0.05, of: count), "\(rate)")
    }

    @Test("finds what is as good and what is worse, nearly always and within few devices")
    func power() throws {
        var settings = Self.settings
        (settings.share, settings.alpha, settings.beta) = (0.1, 0.01, 0.01)
        let population = Population.uniform
        let good = try play(
            200, blocks: 400, settings, seed: 13,
            candidate: { population.draw(less: 0, using: &$0) }, control: { population.draw(less: 0, using: &$0) })
        let bad = try play(
            200, blocks: 400, settings, seed: 14,
            candidate: { population.draw(less: 0.1, using: &$0) }, control: { population.draw(less: 0, using: &$0) })
        #expect(good.promoted.count >= 196 && good.rolledBack.count <= 4)
        #expect(bad.rolledBack.count >= 196 && bad.promoted.count <= 4)
        func median(_ blocks: [Int]) -> Int { blocks.sorted()[blocks.count / 2] }
        // docs/trainer/canaries.md gives these figures.
        #expect((100...200).contains(median(good.promoted)), "\(median(good.promoted))")
        #expect((50...120).contains(median(bad.rolledBack)), "\(median(bad.rolledBack))")
    }

    @Test("gives the e-values of exact arithmetic")
    func exact() throws {
        var settings = Self.settings
        settings.range = -1...3
        settings.lowerIsBetter = true
        settings.margin = 0.25
        var generator = SplitMix64(seed: 15)
        var test = try CanaryTest(settings)
        var blocks: [[[Double]]] = []
        for _ in 0..<60 {
            func values(_ count: Int) -> [Double] {
                (0..<count).map { _ in Double(Int.random(in: -96...224, using: &generator)) / 64 }
            }
            blocks.append([values(1), values(4)])
            test.add(candidate: blocks[blocks.count - 1][0], control: blocks[blocks.count - 1][1])
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("canary-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: folder) }
        try JSONEncoder().encode(blocks).write(to: folder)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Support/canary_reference.py")
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script.path, folder.path, "-1", "3", "0.25"]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let expected = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        try #require(expected.count == 4)
        #expect(abs(exp(test.promotion.logEValue) / expected[0] - 1) < 1e-10)
        #expect(abs(exp(test.rollback.logEValue) / expected[1] - 1) < 1e-10)
        #expect(abs(test.candidate.mean - expected[2]) < 1e-12)
        #expect(abs(test.control.standardDeviation - expected[3]) < 1e-12)
        #expect(abs(test.improvement - (test.control.mean - test.candidate.mean)) < 1e-12)
    }

    @Test("waits for the minimum of devices, whatever the evidence, and stays finite at the ends of the range")
    func minimum() throws {
        var settings = Self.settings
        settings.minimumObservations = 40
        var test = try CanaryTest(settings)
        for block in 1...2000 {
            test.add(candidate: [-.greatestFiniteMagnitude], control: [1, 7, 1, 1])
            if block < 40 { #expect(test.verdict == nil) }
        }
        #expect(test.verdict == .rollBack)
        #expect(test.rollback.logEValue.isFinite && test.promotion.logEValue.isFinite)
        #expect(test.candidate.mean == 0 && test.control.mean == 1)
    }

    @Test(
        "is refused with settings that cannot work",
        arguments: [
            \CanarySettings.share, \.margin, \.alpha, \.beta, \.patience,
        ] as [WritableKeyPath<CanarySettings, Double> & Sendable])
    func refused(setting: WritableKeyPath<CanarySettings, Double> & Sendable) {
        for value in [0, -1, .nan, .infinity] {
            var settings = Self.settings
            settings[keyPath: setting] = value
            #expect(throws: RegistryError.self) { try settings.check() }
        }
    }
}
