import ECLMCore
import Testing

@testable import Aggregation

@Suite("The importance-weighted mean")
struct AggregationRuleTests {
    private func contributions(_ values: [(importance: Double, samples: Int64)]) -> [Contribution] {
        values.enumerated().map {
            Contribution(importance: $1.importance, sampleCount: $1.samples)
        }
    }

    @Test("weighs experts and bypasses by importance", arguments: [ModuleKind.expert, .bypass])
    func byImportance(kind: ModuleKind) {
        let weights = ImportanceWeightedMean.weights(
            of: contributions([(0.25, 1000), (0.75, 1)]), kind: kind)
        #expect(weights == [0.25, 0.75])
    }

    @Test("weighs shared parts by samples", arguments: [ModuleKind.stem, .head, .selector])
    func bySamples(kind: ModuleKind) {
        let weights = ImportanceWeightedMean.weights(of: contributions([(0.9, 30), (0.1, 10)]), kind: kind)
        #expect(weights == [0.75, 0.25])
    }

    @Test("falls back to samples where all importances are zero")
    func allZero() {
        let weights = ImportanceWeightedMean.weights(of: contributions([(0, 30), (0, 10)]), kind: .expert)
        #expect(weights == [0.75, 0.25])
    }

    @Test("gives weights that sum to one and never exceed one, whatever the magnitudes")
    func extremes() {
        let importances: [Double] = [.greatestFiniteMagnitude, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 0, 1]
        let weights = ImportanceWeightedMean.weights(of: contributions(importances.map { ($0, 1) }), kind: .expert)
        #expect(abs(weights.reduce(0, +) - 1) < 1e-12)
        #expect(weights.allSatisfy { (0...1).contains($0) })
    }

    @Test("trains the selector only when told to, and says so in its name")
    func selector() {
        let frozen = RoundRule(ImportanceWeightedMean())
        let trained = RoundRule(ImportanceWeightedMean(), trainsSelector: true)
        #expect(!frozen.trains(.selector))
        #expect(trained.trains(.selector))
        #expect(frozen.name != trained.name)
        for kind in ModuleKind.allCases where kind != .selector { #expect(frozen.trains(kind)) }
    }
}
