/// What a forward pass does besides the obvious.
public struct ForwardOptions {
    /// Modules per example; `nil` for the specification's, and never more than are present.
    public var topK: Int?
    /// The noise of noisy top-k gating (offline stage 1); `nil` for none.
    public var noise: RoutingNoise?
    /// Whether the gates are constants, so that nothing flows back into the selector (the online stage).
    public var freezesSelector = false
    /// How the network normalises.
    public var normalisation = Normalisation.group
    /// Scales what each layer's modules sum to: HeteroFL's scaler, 1 / the width's share, while a slice trains.
    public var activationScale: Float = 1

    /// Nothing of it.
    public init() {}
}

/// What a forward pass gives.
public struct ForwardResult {
    /// `[B, classes]`.
    public let logits: Tensor
    /// How each layer was routed; empty for networks without a selector's gates.
    public let routing: [LayerRouting]
}

extension ModularNetwork {
    /// The logits of a batch.
    ///
    /// - Parameter x: `[B]` and the shape of an example.
    /// - Throws: ``LearningError`` with `tensor` when the batch has another shape.
    public func forward(_ x: Tensor, options: ForwardOptions = .init()) throws -> ForwardResult {
        let shape = x.shape
        guard Array(shape.dropFirst()) == specification.input else {
            throw LearningError(
                .tensor,
                "\(specification.model) takes examples of the shape \(specification.input), not \(Array(shape.dropFirst()))"
            )
        }
        let normalise = Normaliser(options.normalisation)
        let routing = try gating == .selector ? self.routing(x, options: options) : []
        var features = try stem(x, normalise)
        let unit: Float = if case .unit(let scale) = gating { scale } else { 1 }
        for (number, layer) in layers.enumerated() {
            let shared = shared.layers[number]
            var sum = try layer.forward(
                features, gates: routing.isEmpty ? nil : routing[number].gates, unit: unit, normalise: normalise)
            if options.activationScale != 1 { sum = try sum.map { try $0 * options.activationScale } }
            if layer.specification.skip {
                let skipped =
                    try shared.skip.map {
                        try features.projected(
                            $0, stride: layer.specification.stride, isPlane: layer.output.plane != nil)
                    } ?? features
                sum = try sum.map { try $0 + skipped } ?? skipped
            }
            guard let sum else {
                throw LearningError(.specification, "layer \(layer.specification.name) has no module")
            }
            features = try normalise(sum, groups: 1, weight: shared.norm.weight, bias: shared.norm.bias)
                .activated(layer.specification.activation)
        }
        if features.shape.count > 2 {
            features =
                try specification.head.pool
                ? features.mean(dimensions: [2, 3], keep: false)
                : features.reshaped([shape[0], geometry.head])
        }
        return ForwardResult(
            logits: try features.linear(weight: head[0].tensor, bias: head[1].tensor), routing: routing)
    }

    private func routing(_ x: Tensor, options: ForwardOptions) throws -> [LayerRouting] {
        func route() throws -> [LayerRouting] {
            let h = try selector.embed(x)
            return try modules.indices.map { layer in
                let topK = min(options.topK ?? specification.selector.topK, modules[layer].count)
                return try selector.route(
                    h, layer: layer, present: modules[layer], topK: max(1, topK), noise: options.noise)
            }
        }
        return try options.freezesSelector ? Tensor.withoutGradient(route) : route()
    }

    func stem(_ x: Tensor, _ normalise: Normaliser) throws -> Tensor {
        guard let stem = shared.stem else { return x }
        let product: Tensor
        if specification.stem.kind == .convolution {
            product = try x.convolution2D(
                weight: stem.weight, bias: nil, stride: specification.stem.stride,
                padding: specification.stem.kernel.map { $0 / 2 })
        } else {
            product = try x.reshaped([x.shape[0], geometry.input.count]).linear(weight: stem.weight, bias: nil)
        }
        return try normalise(product, groups: 1, weight: stem.norm.weight, bias: stem.norm.bias).reluInPlace()
    }
}
