import ECLMCore
import Foundation
import Testing

@testable import Learning

/// Small networks of each form.
enum SmallNetworks {
    static let dense = NetworkSpecification(
        model: "small-mlp", input: [6], classes: 3, stem: StemSpecification(kind: .dense, width: 8),
        layers: [
            LayerSpecification(name: "a", block: .dense, width: 8, modules: 4, inner: 3, innerNorm: false),
            LayerSpecification(
                name: "b", block: .dense, width: 5, modules: 3, inner: 4, innerNorm: false, activation: .gelu),
        ],
        selector: SelectorSpecification(widths: [4], topK: 2))

    static let convolution = NetworkSpecification(
        model: "small-vgg", input: [2, 8, 6], classes: 4,
        stem: StemSpecification(kind: .convolution, width: 4, stride: [2, 1]),
        layers: [
            LayerSpecification(name: "a", block: .convolution, width: 4, modules: 4, inner: 2, skip: true),
            LayerSpecification(
                name: "b", block: .convolution, width: 6, modules: 3, inner: 4, outputKernel: [3, 3], stride: [2, 2],
                skip: true),
        ],
        selector: SelectorSpecification(pool: [2, 2], widths: [8, 4], topK: 2))

    static func examples(_ specification: NetworkSpecification, count: Int, seed: UInt64 = 7) throws -> TrainingData {
        var generator = SplitMix64(seed: seed)
        let size = specification.input.reduce(1, *)
        // Classes are told apart by the mean of one stretch of the values, so that there is something to learn.
        let labels = (0..<count).map { $0 % specification.classes }
        var values: [Float] = []
        for label in labels {
            for position in 0..<size {
                let shift: Double = position * specification.classes / size == label ? 1.5 : 0
                values.append(Float(generator.normal() + shift))
            }
        }
        return try TrainingData(shape: specification.input, values: values, labels: labels)
    }

    static func moved(_ network: ModularNetwork, seed: UInt64) throws {
        // Gates that differ between inputs and modules.
        var generator = SplitMix64(seed: seed)
        var tensors = try network.selector.tensors()
        for position in tensors.entries.indices where tensors.entries[position].name.hasSuffix("gate") {
            tensors.entries[position].values = tensors.entries[position].values.map { _ in Float(generator.normal()) }
        }
        try network.selector.load(tensors)
    }
}

@Suite("A modular network")
struct ModularNetworkTests {
    static let specifications = [SmallNetworks.dense, SmallNetworks.convolution]

    @Test("computes the gated sum of its modules", arguments: specifications)
    func gatedSum(_ specification: NetworkSpecification) throws {
        let network = try ModularNetwork(specification, seed: 3)
        try SmallNetworks.moved(network, seed: 4)
        let x = try SmallNetworks.examples(specification, count: 5).batch(0..<5)
        let whole = try network.forward(x)
        // The first layer by hand: each module alone as a network of one module, weighed by its gate.
        let gates = try whole.routing[0].gates.scalars()
        let normalise = Normaliser(.group)
        let features = try Tensor.withoutGradient { try network.stem(x, normalise) }
        let layer = network.layers[0]
        let sum = try layer.forward(features, gates: whole.routing[0].gates, unit: 1, normalise: normalise)?.scalars()
        var expected = [Float](repeating: 0, count: try #require(sum).count)
        for module in 0..<specification.layers[0].choices {
            let alone = try network.subset([[module]] + network.modules.dropFirst())
            let part = try alone.layers[0].forward(features, gates: nil, unit: 1, normalise: Normaliser(.group))
            let values = try #require(part).scalars()
            let perExample = values.count / 5
            for position in values.indices {
                let gate = gates[position / perExample * specification.layers[0].choices + module]
                expected[position] += gate * values[position]
            }
        }
        for (left, right) in zip(try #require(sum), expected) { #expect(abs(left - right) < 1e-4) }
    }

    @Test("sends each example through top k modules whose gates sum to 1", arguments: specifications)
    func topK(_ specification: NetworkSpecification) throws {
        let network = try ModularNetwork(specification, seed: 3)
        try SmallNetworks.moved(network, seed: 5)
        let x = try SmallNetworks.examples(specification, count: 9).batch(0..<9)
        for (layer, routing) in try network.forward(x).routing.enumerated() {
            let gates = try routing.gates.scalars()
            let choices = specification.layers[layer].choices
            for row in 0..<9 {
                let own = gates[row * choices..<(row + 1) * choices]
                #expect(own.filter { $0 > 0 }.count == specification.selector.topK)
                #expect(abs(own.reduce(0, +) - 1) < 1e-5)
            }
        }
    }

    @Test("gives a sub-model the same weights, with gates renormalised over what is present", arguments: specifications)
    func subModel(_ specification: NetworkSpecification) throws {
        let network = try ModularNetwork(specification, seed: 3)
        try SmallNetworks.moved(network, seed: 6)
        let present = [[0, 2], [1, specification.layers[1].modules]]
        let small = try network.subset(present)
        for slot in small.slots { #expect(try small.tensors(of: slot) == network.tensors(of: slot)) }
        let x = try SmallNetworks.examples(specification, count: 4).batch(0..<4)
        let scores = try network.forward(x).routing[0].scores.scalars()
        let gates = try small.forward(x).routing[0].gates.scalars()
        let choices = specification.layers[0].choices
        for row in 0..<4 {
            let kept = present[0].map { Double(scores[row * choices + $0]) }.map { exp($0) }
            for (position, value) in kept.enumerated() {
                #expect(abs(Double(gates[row * 2 + position]) - value / kept.reduce(0, +)) < 1e-5)
            }
        }
    }

    @Test("does not change under a subset of all modules, nor through its blobs", arguments: specifications)
    func copies(_ specification: NetworkSpecification) throws {
        let network = try ModularNetwork(specification, seed: 3)
        try SmallNetworks.moved(network, seed: 6)
        let x = try SmallNetworks.examples(specification, count: 4).batch(0..<4)
        let logits = try network.forward(x).logits.scalars()
        #expect(try network.copy().forward(x).logits.scalars() == logits)
        let restored = try ModularNetwork(specification, modules: network.modules) { slot in
            try ModuleTensors(safetensors: network.tensors(of: slot).safetensors())
        }
        #expect(try restored.forward(x).logits.scalars() == logits)
    }

    @Test("splits a dense network exactly, and grows from it without a change", arguments: specifications)
    func decompositionAndGrowth(_ specification: NetworkSpecification) throws {
        let dense = try ModularNetwork(specification, seed: 11, gating: .unit(1))
        let data = try SmallNetworks.examples(specification, count: 24)
        try train(dense, on: data, settings: .init(epochs: 2, rate: 0.01), seed: 1)
        let x = try data.batch(0..<6)
        let logits = try dense.forward(x).logits.scalars()
        let grown = try ModularNetwork.grown(from: dense, seed: 2)
        var options = ForwardOptions()
        options.topK = specification.layers.map(\.choices).max()
        for (left, right) in zip(try grown.forward(x, options: options).logits.scalars(), logits) {
            #expect(abs(left - right) < 1e-4)
        }
        #expect(throws: LearningError.self) { try ModularNetwork.grown(from: grown, seed: 2) }
    }

    @Test("learns what its data shows, the same way each time", arguments: specifications)
    func learns(_ specification: NetworkSpecification) throws {
        let data = try SmallNetworks.examples(specification, count: 120)
        func run() throws -> ModularNetwork {
            let network = try ModularNetwork(specification, seed: 3)
            var options = TrainingOptions()
            options.forward.noise = RoutingNoise(SplitMix64(seed: 9))
            try train(network, on: data, settings: .init(epochs: 12, rate: 0.01), seed: 1, options: options)
            return network
        }
        let network = try run()
        let after = try evaluate(network, on: data)
        #expect(after.accuracy > 0.8)
        let again = try run()
        for slot in network.slots { #expect(try network.tensors(of: slot) == again.tensors(of: slot)) }
    }

    @Test("leaves a frozen selector as it is")
    func frozenSelector() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        let before = try network.selector.tensors()
        let head = try network.tensors(of: .head)
        let data = try SmallNetworks.examples(SmallNetworks.dense, count: 32)
        try train(network, on: data, settings: .init(epochs: 1, rate: 0.01, freezesSelector: true), seed: 1)
        #expect(try network.selector.tensors() == before)
        #expect(try network.tensors(of: .head) != head)
    }

    @Test("says so when training diverges")
    func diverges() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        let data = try SmallNetworks.examples(SmallNetworks.dense, count: 32)
        let error = #expect(throws: LearningError.self) {
            try train(network, on: data, settings: .init(epochs: 50, rate: 1e20, optimization: .sgd), seed: 1)
        }
        #expect(error?.code == .diverged)
    }

    @Test("refuses modules and weights that are not its")
    func refusals() throws {
        let network = try ModularNetwork(SmallNetworks.dense, seed: 3)
        for modules in [[[0]], [[0], []], [[1, 0], [0]], [[0, 0], [0]], [[0], [9]]] {
            #expect(throws: LearningError.self) { try network.subset(modules) }
        }
        let small = try network.subset([[1], [0]])
        #expect(throws: LearningError.self) { try small.tensors(of: .init(kind: .expert, layer: 0, index: 0)) }
        #expect(throws: LearningError.self) { try small.load(network.tensors(of: .head), into: .stem) }
        #expect(throws: LearningError.self) {
            try network.forward(Tensor.zeros([2, 5]))
        }
    }
}
