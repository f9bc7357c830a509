public import ECLMCore

/// A block computed in plain Swift, dense from the checkpoint or as the sum of modules: what ``Decomposer/verify(_:)``
/// compares, and what other runtimes can be held against. Dot products are summed in double precision.
public struct ReferenceBlock: Sendable {
    /// One summand: the whole block, or one module.
    enum Part: Sendable {
        case feedForward(ReferenceFeedForward)
        case conv(ReferenceConv)
    }

    private let parts: [Part]
    private let outerBias: [Float]?
    /// The channels or features of one input position.
    public let inputs: Int
    /// The channels or features of one output position.
    public let outputs: Int

    /// The dense block of one layer of a checkpoint.
    ///
    /// - Throws: ``DecompositionError`` when the checkpoint does not fit the layer.
    public init(dense layer: LayerSpecification, of checkpoint: SafetensorsFile) throws(DecompositionError) {
        var claims = TensorClaims(checkpoint: checkpoint)
        let plan = try BlockPlan(layer, path: layer.name, claims: &claims)
        let tensors = Dictionary(uniqueKeysWithValues: plan.inner.map { (ExactText($0.name), $0.tensor) })
        try self.init(layer, parts: [tensors], outerBias: plan.outerBias, plan.inputs, plan.outputs)
    }

    /// The sum of modules, with what lies behind the sum taken from the checkpoint.
    ///
    /// - Parameters:
    ///   - modules: Blobs of expert modules of the layer: all of them to get the dense block, fewer for a sub-model.
    ///   - layer: The layer they belong to.
    ///   - checkpoint: The checkpoint they were made of.
    /// - Throws: ``DecompositionError`` when the checkpoint or a module does not fit the layer.
    public init(
        sumOf modules: [SafetensorsFile], of layer: LayerSpecification, outer checkpoint: SafetensorsFile
    ) throws(DecompositionError) {
        var claims = TensorClaims(checkpoint: checkpoint)
        let plan = try BlockPlan(layer, path: layer.name, claims: &claims)
        let parts = modules.map { module in
            Dictionary(uniqueKeysWithValues: module.tensors.map { (ExactText($0.name), $0) })
        }
        try self.init(layer, parts: parts, outerBias: plan.outerBias, plan.inputs, plan.outputs)
    }

    private init(
        _ layer: LayerSpecification, parts: [[ExactText: TensorView]], outerBias: TensorView?, _ inputs: Int,
        _ outputs: Int
    ) throws(DecompositionError) {
        var made: [Part] = []
        for tensors in parts {
            let weights = ReferenceWeights(layer: layer.name, tensors: tensors)
            let part: Part
            let extents: (inputs: Int, outputs: Int)
            switch layer.block {
            case .feedForward(let block):
                let block = try ReferenceFeedForward(block, weights)
                (part, extents) = (.feedForward(block), (block.inputs, block.outputs))
            case .conv(let block):
                let block = try ReferenceConv(block, weights)
                (part, extents) = (.conv(block), (block.inputs, block.outputs))
            }
            guard extents == (inputs, outputs) else {
                throw DecompositionError(
                    .wrongShape,
                    "layer \(layer.name.debugDescription): a module maps \(extents.inputs) inputs to \(extents.outputs) "
                        + "outputs, the block \(inputs) to \(outputs)")
            }
            made.append(part)
        }
        self.parts = made
        self.inputs = inputs
        self.outputs = outputs
        self.outerBias = try outerBias.map { (tensor) throws(DecompositionError) in
            try ReferenceWeights(layer: layer.name, tensors: ["bias": tensor]).floats("bias")
        }
    }

    /// The block's output for one sample.
    ///
    /// - Parameters:
    ///   - input: Feed-forward: [tokens, inputs]. Convolution: [inputs, height, width]. Row-major.
    ///   - extent: Tokens, or height and width.
    /// - Returns: Feed-forward: [tokens, outputs]. Convolution: [outputs, height, width], after both strides and paddings.
    public func evaluate(_ input: [Float], extent: InputExtent) -> [Float] {
        var sum: [Double] = []
        for part in parts {
            switch part {
            case .feedForward(let block): block.add(input, tokens: extent.tokens, to: &sum)
            case .conv(let block):
                block.add(input, height: extent.height ?? 1, width: extent.width ?? 1, to: &sum)
            }
        }
        guard let outerBias, let first = parts.first else { return sum.map(Float.init) }
        switch first {
        case .feedForward:
            return sum.enumerated().map { Float($1 + Double(outerBias[$0 % outputs])) }
        case .conv:
            let positions = Swift.max(sum.count / outputs, 1)
            return sum.enumerated().map { Float($1 + Double(outerBias[$0 / positions])) }
        }
    }
}

/// The tensors of one summand, by their names in a module's blob.
struct ReferenceWeights {
    let layer: String
    let tensors: [ExactText: TensorView]

    func tensor(_ name: String) throws(DecompositionError) -> TensorView {
        guard let tensor = tensors[ExactText(name)] else {
            throw DecompositionError(
                .missingTensor, "a module of layer \(layer.debugDescription) has no tensor \(name.debugDescription)")
        }
        return tensor
    }

    func floats(_ name: String) throws(DecompositionError) -> [Float] {
        let tensor = try tensor(name)
        do throws(SafetensorsError) {
            return try tensor.floats()
        } catch {
            throw DecompositionError(.wrongShape, error.message, cause: error)
        }
    }

    func floatsIfPresent(_ name: String) throws(DecompositionError) -> [Float]? {
        tensors[ExactText(name)] == nil ? nil : try floats(name)
    }
}
