public import ECLMCore

/// The module selector: scores every module of every layer from the raw input in one shot (paper section 2).
///
/// `h = Emb(x)`, `H = h W_g` for each layer. It is a part of its own, so that a device can score its data holding nothing
/// but this.
public final class Selector {
    /// The network it selects for.
    public let specification: NetworkSpecification
    let embedding: [(weight: Tensor, bias: Tensor)]
    let gateWeights: [Tensor]
    let noiseWeights: [Tensor]

    /// A selector whose gates are equal for every input: random embedding, gate and noise weights zero (Shazeer et al. 2017).
    public convenience init(_ specification: NetworkSpecification, seed: UInt64) throws {
        try self.init(specification, geometry: specification.geometry())
        try initialize(seed: seed)
    }

    /// A selector from its weights.
    ///
    /// - Throws: ``LearningError`` with `specification` when they are not this network's.
    public convenience init(_ specification: NetworkSpecification, tensors: ModuleTensors) throws {
        try self.init(specification, geometry: specification.geometry())
        try load(tensors)
    }

    /// A selector whose weights are all zero.
    init(_ specification: NetworkSpecification, geometry: NetworkGeometry) throws {
        self.specification = specification
        var inputs = geometry.selector
        var embedding: [(weight: Tensor, bias: Tensor)] = []
        for width in specification.selector.widths {
            embedding.append(
                (try Tensor.zeros([width, inputs]).requireGradient(), try Tensor.zeros([width]).requireGradient()))
            inputs = width
        }
        self.embedding = embedding
        gateWeights = try specification.layers.map { try Tensor.zeros([$0.choices, inputs]).requireGradient() }
        noiseWeights = try specification.layers.map { try Tensor.zeros([$0.choices, inputs]).requireGradient() }
    }

    /// Gives the embedding random weights.
    func initialize(seed: UInt64) throws {
        let initialization = Initialization(seed: seed)
        for (number, layer) in embedding.enumerated() {
            let inputs = layer.weight.shape[1]
            let values = initialization.normal(
                "selector.\(number)", count: layer.weight.count, deviation: (2 / Double(inputs)).squareRoot())
            try layer.weight.assign(Tensor(values, shape: layer.weight.shape))
        }
    }

    /// The parameters, in a fixed order.
    public var parameters: [Parameter] {
        named.map { Parameter(name: "selector.\($0.name)", part: .selector, tensor: $0.tensor) }
    }

    private var named: [(name: String, tensor: Tensor)] {
        embedding.enumerated().flatMap { number, layer in
            [("embedding.\(number).weight", layer.weight), ("embedding.\(number).bias", layer.bias)]
        }
            + gateWeights.enumerated().map { ("layers.\($0).gate", $1) }
            + noiseWeights.enumerated().map { ("layers.\($0).noise", $1) }
    }

    /// The weights.
    public func tensors() throws -> ModuleTensors {
        ModuleTensors(try named.map { .init(name: $0.name, shape: $0.tensor.shape, values: try $0.tensor.scalars()) })
    }

    /// Replaces the weights.
    ///
    /// - Throws: ``LearningError`` with `specification` when they are not this network's.
    public func load(_ tensors: ModuleTensors) throws {
        try tensors.check(named.map { ($0.name, $0.tensor.shape) }, owner: "the selector")
        for (name, tensor) in named { try tensor.assign(Tensor(try tensors[name].values, shape: tensor.shape)) }
    }

    /// The embedding of raw inputs: `[B, last width]`.
    public func embed(_ x: Tensor) throws -> Tensor {
        var h = x
        if let pool = specification.selector.pool { h = try h.averagePool2D(kernel: pool, stride: pool) }
        if h.shape.count > 2 { h = try h.reshaped([h.shape[0], h.shape.dropFirst().reduce(1, *)]) }
        for layer in embedding { h = try h.linear(weight: layer.weight, bias: layer.bias).relu() }
        return h
    }

    /// How the examples of an embedding are routed through one layer.
    ///
    /// - Parameters:
    ///   - h: The embedding, `[B, width]`.
    ///   - present: The modules to choose among, ascending; `nil` for all.
    ///   - topK: Modules per example, at most as many as are present.
    ///   - noise: Draws the noise of noisy top-k; `nil` for none.
    public func route(
        _ h: Tensor, layer: Int, present: [Int]?, topK: Int, noise: RoutingNoise? = nil
    ) throws -> LayerRouting {
        func columns(_ weight: Tensor) throws -> Tensor {
            guard let present, present.count < weight.shape[0] else { return weight }
            return try weight.selected(dimension: 0, indices: present)
        }
        let scores = try h.linear(weight: columns(gateWeights[layer]), bias: nil)
        var noisy: Tensor?
        var deviation: Tensor?
        if let noise {
            let spread = try h.linear(weight: columns(noiseWeights[layer]), bias: nil).softplus()
            deviation = spread
            noisy = try scores + noise.draw(shape: scores.shape) * spread
        }
        let ranked = noisy ?? scores
        let count = scores.shape[1]
        var kept = ranked
        if topK < count { kept = try ranked.whereMask(try ranked.topMask(topK), else: -1e9) }
        return LayerRouting(
            gates: try kept.softmax(dimension: 1), scores: scores, noisyScores: noisy, noiseDeviation: deviation)
    }

    /// What the selector says of all modules of all layers for raw inputs, before any softmax: `[B, choices]` a layer.
    public func scores(_ x: Tensor) throws -> [Tensor] {
        let h = try embed(x)
        return try gateWeights.map { try h.linear(weight: $0, bias: nil) }
    }

    /// The gates of all modules of all layers for raw inputs: `[B, choices]` a layer, each row a distribution.
    ///
    /// - Parameter topK: Modules per example; `nil` for the specification's.
    public func gates(_ x: Tensor, topK: Int? = nil) throws -> [Tensor] {
        let h = try embed(x)
        return try specification.layers.indices.map { layer in
            let choices = specification.layers[layer].choices
            return try route(h, layer: layer, present: nil, topK: min(topK ?? specification.selector.topK, choices))
                .gates
        }
    }
}

/// How examples are routed through one layer; all `[B, present]`.
public struct LayerRouting {
    /// The gates: softmax over the top k, 0 elsewhere; each row sums to 1.
    public let gates: Tensor
    /// What the selector says, without noise.
    public let scores: Tensor
    /// With noise, where there was some.
    public let noisyScores: Tensor?
    /// The deviation of the noise, where there was some.
    public let noiseDeviation: Tensor?
}

/// Draws the noise of noisy top-k gating, reproducibly.
public final class RoutingNoise {
    /// The generator's state, for checkpoints.
    public var generator: SplitMix64

    /// Noise from a generator.
    public init(_ generator: SplitMix64) { self.generator = generator }

    func draw(shape: [Int]) throws -> Tensor {
        let count = shape.reduce(1, *)
        return try Tensor((0..<count).map { _ in Float(generator.normal()) }, shape: shape)
    }
}
