import ECLMCore
import Testing

@testable import Learning

@Suite("Subsets for smaller budgets")
struct SubsetPlanTests {
    private func held() -> [HeldModule] {
        (0..<2).flatMap { layer in
            [0, 1, 3].map { index in
                HeldModule(
                    layer: layer, index: index, memory: 100, flops: 10, importance: Double(index + layer) / 10)
            }
        }
    }

    private let shared = Budget(memory: 50, flops: 5)

    @Test("each is within the one before, and every layer keeps its best")
    func nested() throws {
        let plan = try SubsetPlan(held: held(), shared: shared, count: 5)
        #expect(plan.subsets.count == 5)
        #expect(plan.subsets.first?.modules == [[0, 1, 3], [0, 1, 3]])
        #expect(plan.subsets.first?.totals == Budget(memory: 650, flops: 65, fetchBytes: 0))
        #expect(plan.subsets.last?.modules == [[3], [3]])
        for (larger, smaller) in zip(plan.subsets, plan.subsets.dropFirst()) {
            #expect((smaller.totals.memory ?? 0) < (larger.totals.memory ?? 0))
            for (outer, inner) in zip(larger.modules, smaller.modules) { #expect(Set(inner).isSubset(of: outer)) }
        }
        #expect(try SubsetPlan(held: held(), shared: shared, count: 1).subsets.count == 1)
        #expect(try SubsetPlan(held: held(), shared: shared, count: 3).subsets.map(\.modules).last == [[3], [3]])
    }

    @Test("the largest that fits is used, or the best where they were measured")
    func chooses() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        try SmallNetworks.moved(network, seed: 5)
        let data = try SmallNetworks.examples(SmallNetworks.dense, count: 60)
        var plan = try SubsetPlan(held: held(), shared: shared)
        #expect(try plan.subset(within: Budget()).modules == [[0, 1, 3], [0, 1, 3]])
        let tight = try plan.subset(within: Budget(memory: 400))
        #expect((tight.totals.memory ?? 0) <= 400)
        #expect(tight.modules == plan.subsets.first { $0.fits(Budget(memory: 400)) }?.modules)
        try plan.measure(with: network, on: data)
        let best = try plan.subset(within: Budget())
        #expect(plan.subsets.allSatisfy { ($0.measurement?.accuracy ?? 2) <= best.measurement?.accuracy ?? 0 })
        let error = #expect(throws: LearningError.self) { try plan.subset(within: Budget(memory: 249)) }
        #expect(error?.code == .budget)
        #expect(error?.message.contains("250") == true)
        #expect(throws: LearningError.self) { try plan.subset(within: Budget(flops: 1)) }
    }

    @Test("switching gives the very network of the subset, and back")
    func switches() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        try SmallNetworks.moved(network, seed: 5)
        let data = try SmallNetworks.examples(SmallNetworks.dense, count: 20)
        let sub = try network.subset([[0, 1, 3], [0, 1, 3]])
        let device = try SwitchingSubModel(sub, plan: SubsetPlan(held: held(), shared: shared))
        #expect(try device.use(Budget(memory: 250)))
        #expect(device.current.modules == [[3], [3]])
        let expected = try network.subset([[3], [3]]).forward(data.batch(0..<20)).logits.scalars()
        #expect(try device.network.forward(data.batch(0..<20)).logits.scalars() == expected)
        #expect(try !device.use(Budget(memory: 260)))
        #expect(throws: LearningError.self) { try device.use(Budget(memory: 10)) }
        #expect(device.current.modules == [[3], [3]])
        #expect(try device.use(Budget()))
        #expect(device.network.modules == sub.modules)
    }

    @Test("a layer without a module, a module named twice and a negative cost are refused")
    func refusals() throws {
        let module = HeldModule(layer: 1, index: 0, memory: 1, flops: 1, importance: 1)
        #expect(throws: LearningError.self) { try SubsetPlan(held: [module], shared: shared) }
        #expect(throws: LearningError.self) { try SubsetPlan(held: held() + [held()[0]], shared: shared) }
        #expect(throws: LearningError.self) { try SubsetPlan(held: [], shared: shared) }
        var negative = held()
        negative[0].memory = -1
        #expect(throws: LearningError.self) { try SubsetPlan(held: negative, shared: shared) }
    }
}
