import ECLMCore
import Learning
import Testing

@Suite("Module costs")
struct ModuleCostTests {
    @Test(
        "add up to the measured peak of training a sub-model, and never to less",
        arguments: [SmallNetworks.dense, wide])
    func memory(_ specification: NetworkSpecification) throws {
        let costs = try ModuleCostMeasurement.measure(specification)
        var generator = SplitMix64(seed: 3)
        for _ in 0..<6 {
            let modules = specification.layers.map { layer in
                let experts = generator.shuffled(0..<layer.modules).prefix(1 + generator.below(layer.modules)).sorted()
                return experts + (generator.uniform() < 0.5 ? [layer.modules] : [])
            }
            let peak = try ModuleCostMeasurement.trainingPeak(specification, modules: modules)
            var predicted = 0
            for slot in try ModularNetwork(specification, seed: 1).subset(modules).slots {
                predicted += Int(try #require(costs[slot]).peakMemory)
            }
            #expect(Double(predicted) > 0.9 * Double(peak))
            #expect(Double(predicted) < 1.35 * Double(peak) + 4096)
        }
    }

    /// Inside far wider than outside, as the networks of the experiments.
    static let wide = NetworkSpecification(
        model: "wide", input: [1, 12, 12], classes: 3,
        stem: StemSpecification(kind: .convolution, width: 4, stride: [2, 2]),
        layers: [LayerSpecification(name: "a", block: .convolution, width: 4, modules: 10, inner: 8)],
        selector: SelectorSpecification(pool: [4, 4], widths: [4], topK: 11))

    @Test("make a sub-model of a fifth several times cheaper to train than the whole")
    func smaller() throws {
        let whole = try ModuleCostMeasurement.trainingPeak(Self.wide)
        let fifth = try ModuleCostMeasurement.trainingPeak(Self.wide, modules: [[0, 1, 10]])
        #expect(Double(whole) > 3 * Double(fifth))
    }

    @Test("count bytes of the blobs and operations from the shapes")
    func counted() throws {
        let specification = SmallNetworks.dense
        let costs = try ModuleCostMeasurement.measure(specification)
        let network = try ModularNetwork(specification, seed: 1)
        for slot in network.slots {
            let cost = try #require(costs[slot])
            #expect(cost.bytes == Int64(try network.blob(of: slot).count))
            #expect(cost.parameters == Int64(try network.tensors(of: slot).parameterCount))
            #expect(cost.flops > 0)
        }
        // 8 -> 3 -> 8 with two products, a bias and an activation inside, and the gate and the sum.
        let expert = try #require(costs[specification.slot(layer: 0, module: 2)])
        #expect(expert.flops == 2 * (8 * 3 + 3 * 8) + 2 * 3 + 3 + 3 + 8)
        // The residual module keeps the shape: a factor, the gate and the sum.
        #expect(costs[specification.slot(layer: 0, module: 4)]?.flops == 24)
        let head = try #require(costs[.head])
        #expect(head.flops == (2 * 5 + 1) * 3)
    }

    @Test("on a device class follow its profile")
    func profile() throws {
        let specification = SmallNetworks.convolution
        let costs = try ModuleCostMeasurement.measure(specification)
        let plain = try DeviceClassProfile(deviceClass: "pi4", operationsPerSecond: 1e6).costs(
            of: costs, in: specification)
        let slow = try DeviceClassProfile.parse(
            Array(
                """
                {"device_class": "pi4", "memory_factor": 1.5, "memory_per_module": 100, "operations_per_second": 1e6,
                 "operators": {"conv2d": 5e5}}
                """.utf8)
        ).costs(of: costs, in: specification)
        for (slot, cost) in costs {
            let (before, after) = (try #require(plain[slot]), try #require(slow[slot]))
            #expect(before.memory == cost.peakMemory)
            #expect(abs(before.flops - cost.flops) <= 1)
            #expect(after.memory == Int64((1.5 * Double(cost.peakMemory)).rounded(.up)) + 100)
            #expect(after.flops >= before.flops && after.latencyMicroseconds >= before.latencyMicroseconds)
        }
        let expert = specification.slot(layer: 0, module: 0)
        let (before, after) = (try #require(plain[expert]), try #require(slow[expert]))
        #expect(2 * after.flops > 3 * before.flops)
        for text in ["{}", #"{"device_class": "a", "operations_per_second": 0}"#, "x"] {
            #expect {
                try DeviceClassProfile.parse(Array(text.utf8))
            } throws: { ($0 as? LearningError)?.code == .specification }
        }
    }
}
