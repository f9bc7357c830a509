import Composition
import ECLMCore
import Testing

@Suite("Composition problems are checked at the border")
struct CompositionProblemTests {
    private static let module = CompositionProblem.Candidate(
        layer: 0, importance: 0.5, memory: 1, flops: 1, fetchBytes: 1)

    private func code(
        layers: Int = 1, _ change: (inout CompositionProblem.Candidate) -> Void = { _ in }, count: Int = 1,
        budget: Budget = Budget(), fixed: ResourceAmounts = .zero, minimum: Int = 1
    ) -> CompositionError.Code? {
        var candidate = Self.module
        change(&candidate)
        do throws(CompositionError) {
            _ = try CompositionProblem(
                layerCount: layers, candidates: Array(repeating: candidate, count: count), budget: budget, fixed: fixed,
                minimumPerLayer: minimum)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("Sizes have limits")
    func sizesHaveLimits() {
        #expect(code(layers: 0) == .layerCount)
        #expect(code(layers: 257) == .layerCount)
        #expect(code(layers: 256) == nil)
        #expect(code(count: 16_385) == .candidateCount)
        #expect(code(count: 0) == nil)
        #expect(code(minimum: -1) == .minimum)
        #expect(code(minimum: .max) == .minimum)
    }

    @Test("A candidate with a figure out of range is refused")
    func figuresHaveRanges() {
        #expect(code({ $0.layer = 1 }) == .unknownLayer)
        #expect(code({ $0.layer = -1 }) == .unknownLayer)
        #expect(code({ $0.importance = -0.1 }) == .importance)
        #expect(code({ $0.importance = .nan }) == .importance)
        #expect(code({ $0.importance = .infinity }) == .importance)
        #expect(code({ $0.memory = -1 }) == .cost)
        #expect(code({ $0.flops = -1 }) == .cost)
        #expect(code({ $0.fetchBytes = .max }) == .cost)
    }

    @Test("Budgets and shared parts are at least 0")
    func budgetsHaveRanges() {
        #expect(code(budget: Budget(memory: -1)) == .budget)
        #expect(code(budget: Budget(memory: 0, flops: .max)) == nil)
        #expect(code(fixed: ResourceAmounts(flops: -1)) == .cost)
    }

    @Test("Sums of amounts are checked")
    func sumsAreChecked() throws {
        let amounts = ResourceAmounts(memory: .max - 1, flops: 2, fetchBytes: 3)
        #expect(try amounts.adding(ResourceAmounts(memory: 1, flops: 1)).memory == .max)
        #expect(throws: CompositionError.self) { try amounts.adding(ResourceAmounts(memory: 2)) }
    }
}
