import ECLMCore
import Foundation
import Testing

@testable import Learning

@Suite("Drift detection")
struct DriftDetectorTests {
    /// Gates of two layers of 4 and 3 modules around a centre.
    private func observation(_ generator: inout SplitMix64, count: Int, shift: Double = 0, loss: Double = 1) throws
        -> DriftObservation
    {
        var gates: [Float] = []
        for _ in 0..<count {
            for (modules, offset) in [(4, shift), (3, 0)] {
                let logits = (0..<modules).map { module in generator.normal() + (module == 0 ? offset : 0) }
                let weights = logits.map { exp($0) }
                gates += weights.map { Float($0 / weights.reduce(0, +)) }
            }
        }
        return DriftObservation(
            scores: try SelectorScores(layers: [4, 3], gates: gates),
            losses: (0..<count).map { _ in Float(loss * -log(1 - generator.uniform())) },
            confidences: (0..<count).map { _ in Float(generator.uniform()) })
    }

    @Test("alarms on unchanged data no more often than it says")
    func falseAlarms() throws {
        let detector = DriftDetector(falseAlarmRate: 0.1, permutations: 199)
        var generator = SplitMix64(seed: 11)
        var alarms = 0
        for check in 0..<200 {
            let verdict = try detector.check(
                observation(&generator, count: 40), against: observation(&generator, count: 60), seed: UInt64(check))
            alarms += verdict.isDrift ? 1 : 0
            #expect(verdict.tests.map(\.signal) == [.scores, .loss, .confidence])
        }
        // 20 are expected at most; 35 would be 3.5 standard deviations more.
        #expect(alarms <= 35)
    }

    @Test("tells changed inputs by the gates, and changed meaning by the loss")
    func finds() throws {
        let detector = DriftDetector()
        var generator = SplitMix64(seed: 12)
        let reference = try observation(&generator, count: 80)
        let inputs = try detector.check(observation(&generator, count: 80, shift: 1.5), against: reference, seed: 1)
        #expect(inputs.isDrift)
        #expect(inputs.tests[0].p < 0.003)
        #expect(inputs.tests[0].statistic > inputs.tests[0].threshold)
        let meaning = try detector.check(observation(&generator, count: 80, loss: 4), against: reference, seed: 1)
        #expect(meaning.isDrift)
        #expect(meaning.tests[1].p < 0.003)
        #expect(meaning.tests[0].p > 0.003)
    }

    @Test("does without a sub-model, and gives the same verdict for the same seed")
    func scoresAlone() throws {
        var generator = SplitMix64(seed: 13)
        let old = DriftObservation(scores: try observation(&generator, count: 50).scores)
        let new = DriftObservation(scores: try observation(&generator, count: 50, shift: 1.5).scores)
        let detector = DriftDetector()
        let verdict = try detector.check(new, against: old, seed: 4)
        #expect(verdict.tests.count == 1)
        #expect(verdict.isDrift)
        #expect(try detector.check(new, against: old, seed: 4) == verdict)
    }

    @Test("takes neighbouring examples together where they are alike")
    func blocks() throws {
        // Every example ten times: single ones are no fair lots, and alarm where blocks do not.
        var generator = SplitMix64(seed: 14)
        func repeated() throws -> DriftObservation {
            let scores = try observation(&generator, count: 12).scores
            let rows = (0..<12).flatMap { row in
                (0..<10).flatMap { _ in scores.gates[(row * 7)..<((row + 1) * 7)] }
            }
            return DriftObservation(scores: try SelectorScores(layers: [4, 3], gates: rows))
        }
        var single = 0
        var together = 0
        for check in 0..<40 {
            let (old, new) = (try repeated(), try repeated())
            let seed = UInt64(check)
            single +=
                try DriftDetector(falseAlarmRate: 0.05, permutations: 399)
                .check(new, against: old, seed: seed).isDrift ? 1 : 0
            together +=
                try DriftDetector(falseAlarmRate: 0.05, permutations: 399, block: 10)
                .check(new, against: old, seed: seed).isDrift ? 1 : 0
        }
        #expect(single > 10)
        #expect(together <= 6)
    }

    @Test("refuses too little data, other models, and settings that can show nothing")
    func refusals() throws {
        var generator = SplitMix64(seed: 15)
        let reference = try observation(&generator, count: 20)
        let few = try observation(&generator, count: 1)
        #expect(throws: LearningError.self) { try DriftDetector().check(few, against: reference, seed: 1) }
        let other = DriftObservation(scores: try SelectorScores(layers: [2], gates: [0.5, 0.5, 0.25, 0.75]))
        #expect(throws: LearningError.self) { try DriftDetector().check(other, against: reference, seed: 1) }
        let detector = DriftDetector(falseAlarmRate: 0.001, permutations: 99)
        let error = #expect(throws: LearningError.self) { try detector.check(reference, against: reference, seed: 1) }
        #expect(error?.code == .specification)
        #expect(throws: LearningError.self) { try SelectorScores(layers: [2], gates: [0.5, .nan]) }
    }
}
