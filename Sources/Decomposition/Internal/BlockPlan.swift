import ECLMCore

/// A block with its tensors found and checked, ready to be split.
struct BlockPlan {
    /// A tensor that is split: its name in a module's blob, and the axis of the inner neurons or channels.
    struct Inner {
        let name: String
        let tensor: TensorView
        let axis: Int
    }

    let layer: LayerSpecification
    let inner: [Inner]
    /// The bias behind the sum of the modules, where there is one.
    let outerBias: TensorView?
    /// The number of inner neurons or channels.
    let width: Int
    /// The channels or features of one input position, and of one output position.
    let inputs: Int, outputs: Int
    /// What a runtime must know beyond the tensors, for the blob's metadata.
    let metadata: [ExactText: String]
    let operators: Set<String>
    /// Where the block's input passes: positions of the input, of the inner layer and of the output.
    let positions: (input: Int, inner: Int, output: Int)
    /// Multiply-adds for one inner neuron at one inner position, and for one at one output position.
    let multiplyAdds: (up: Int, down: Int)
    /// Further operations for one inner neuron at one inner position: bias, normalisation, activation.
    let innerOperations: Int

    init(_ layer: LayerSpecification, path: String, claims: inout TensorClaims) throws(DecompositionError) {
        switch layer.block {
        case .feedForward(let block): self = try .feedForward(block, layer, path, &claims)
        case .conv(let block): self = try .conv(block, layer, path, &claims)
        }
        guard layer.modules <= width else {
            throw DecompositionError(
                .tooManyModules,
                "\(path).modules is \(layer.modules), but the block of \(layer.name.debugDescription) has only \(width) "
                    + "inner \(layer.block.innerUnits)")
        }
    }

    private init(
        layer: LayerSpecification, inner: [Inner], outerBias: TensorView?, width: Int, inputs: Int, outputs: Int,
        metadata: [ExactText: String], operators: Set<String>, positions: (input: Int, inner: Int, output: Int),
        multiplyAdds: (up: Int, down: Int), innerOperations: Int
    ) {
        self.layer = layer
        self.inner = inner
        self.outerBias = outerBias
        self.width = width
        self.inputs = inputs
        self.outputs = outputs
        self.metadata = metadata
        self.operators = operators
        self.positions = positions
        self.multiplyAdds = multiplyAdds
        self.innerOperations = innerOperations
    }

    /// The slices of the module that holds the inner neurons or channels of `range`.
    func slices(_ range: Range<Int>) -> [TensorSlice] {
        inner.map { TensorSlice(name: $0.name, source: $0.tensor, selection: ($0.axis, range)) }
    }

    /// The metadata of that module's blob.
    func metadata(_ range: Range<Int>) -> [ExactText: String] {
        metadata.merging([
            "eclm.block": layer.block.name,
            "eclm.inner": "\(range.lowerBound)-\(range.upperBound - 1) of \(width)",
        ]) { $1 }
    }

    /// Floating-point operations of a module with `count` inner neurons or channels, for one sample; a multiply-add
    /// counts two, and adding the module's output to the sum one an element.
    func flops(_ count: Int) -> Int64 {
        Count.sum(
            Count.product(2, multiplyAdds.up, count, positions.inner),
            Count.product(innerOperations, count, positions.inner),
            Count.product(2, multiplyAdds.down, count, positions.output),
            Count.product(outputs, positions.output))
    }

    /// Bytes of input, inner and output values of such a module, for one sample.
    func activationBytes(_ count: Int) -> Int64 {
        let size = inner.map(\.tensor.dtype.byteCount).max() ?? 4
        return Count.sum(
            Count.product(size, inputs, positions.input), Count.product(size, count, positions.inner),
            Count.product(size, outputs, positions.output))
    }
}

extension BlockPlan {
    private static func feedForward(
        _ block: FeedForwardSpecification, _ layer: LayerSpecification, _ path: String, _ claims: inout TensorClaims
    ) throws(DecompositionError) -> BlockPlan {
        let isOutIn = block.weightLayout == .outIn
        let up = try claims.take(block.up.weight, for: "\(path).up.weight", shape: [nil, nil])
        let (width, inputs) = isOutIn ? (up.shape[0], up.shape[1]) : (up.shape[1], up.shape[0])
        let down = try claims.take(
            block.down.weight, for: "\(path).down.weight", shape: isOutIn ? [nil, width] : [width, nil])
        let outputs = isOutIn ? down.shape[0] : down.shape[1]
        var inner = [
            Inner(name: "up.weight", tensor: up, axis: isOutIn ? 0 : 1),
            Inner(name: "down.weight", tensor: down, axis: isOutIn ? 1 : 0),
        ]
        if let bias = block.up.bias {
            let tensor = try claims.take(bias, for: "\(path).up.bias", shape: [width])
            inner.append(Inner(name: "up.bias", tensor: tensor, axis: 0))
        }
        var outerBias: TensorView?
        if let bias = block.down.bias {
            outerBias = try claims.take(bias, for: "\(path).down.bias", shape: [outputs], isOuter: true)
        }
        let tokens = layer.input.tokens
        return BlockPlan(
            layer: layer, inner: inner, outerBias: outerBias, width: width, inputs: inputs, outputs: outputs,
            metadata: [
                "eclm.activation": block.activation.rawValue, "eclm.weight_layout": block.weightLayout.rawValue,
            ],
            operators: Set(["linear", block.activation.operatorName].compactMap { $0 }),
            positions: (tokens, tokens, tokens), multiplyAdds: (inputs, outputs),
            innerOperations: (block.up.bias == nil ? 0 : 1) + (block.activation == .identity ? 0 : 1))
    }

    private static func conv(
        _ block: ConvSpecification, _ layer: LayerSpecification, _ path: String, _ claims: inout TensorClaims
    ) throws(DecompositionError) -> BlockPlan {
        let conv1 = try claims.take(block.conv1.weight, for: "\(path).conv1.weight", shape: [nil, nil, nil, nil])
        let width = conv1.shape[0]
        let conv2 = try claims.take(block.conv2.weight, for: "\(path).conv2.weight", shape: [nil, width, nil, nil])
        var inner = [
            Inner(name: "conv1.weight", tensor: conv1, axis: 0), Inner(name: "conv2.weight", tensor: conv2, axis: 1),
        ]
        let perChannel = [
            ("conv1.bias", block.conv1.bias), ("norm.weight", block.norm.weight), ("norm.bias", block.norm.bias),
            ("norm.running_mean", block.norm.runningMean), ("norm.running_var", block.norm.runningVariance),
        ]
        for (name, source) in perChannel {
            guard let source else { continue }
            let tensor = try claims.take(source, for: "\(path).\(name)", shape: [width])
            inner.append(Inner(name: name, tensor: tensor, axis: 0))
        }
        var outerBias: TensorView?
        if let bias = block.conv2.bias {
            outerBias = try claims.take(bias, for: "\(path).conv2.bias", shape: [conv2.shape[0]], isOuter: true)
        }
        let extent = (layer.input.height ?? 1, layer.input.width ?? 1)
        guard let innerExtent = block.conv1.outputExtent(extent, kernel: conv1.shape),
            let outputExtent = block.conv2.outputExtent(innerExtent, kernel: conv2.shape)
        else {
            throw DecompositionError(
                .wrongShape,
                "\(path): an input of \(extent.0) x \(extent.1) is smaller than the kernels; correct input or padding")
        }
        return BlockPlan(
            layer: layer, inner: inner, outerBias: outerBias, width: width, inputs: conv1.shape[1],
            outputs: conv2.shape[0],
            metadata: [
                "eclm.activation": block.activation.rawValue, "eclm.eps": String(block.norm.epsilon),
                "eclm.stride1": text(block.conv1.stride), "eclm.padding1": text(block.conv1.padding),
                "eclm.groups1": "1",
                "eclm.stride2": text(block.conv2.stride), "eclm.padding2": text(block.conv2.padding),
                "eclm.groups2": "1",
            ],
            operators: Set(["conv2d", "batch_norm", block.activation.operatorName].compactMap { $0 }),
            positions: (
                extent.0 * extent.1, innerExtent.height * innerExtent.width, outputExtent.height * outputExtent.width
            ),
            multiplyAdds: (
                conv1.shape[1] * conv1.shape[2] * conv1.shape[3], conv2.shape[0] * conv2.shape[2] * conv2.shape[3]
            ),
            innerOperations: (block.conv1.bias == nil ? 0 : 1) + 2 + (block.activation == .identity ? 0 : 1))
    }

    private static func text(_ pair: [Int]) -> String { "\(pair[0]),\(pair[1])" }
}

extension ConvSpecification.Convolution {
    /// Height and width behind the convolution; `nil` when the input is smaller than the kernel.
    func outputExtent(_ extent: (height: Int, width: Int), kernel: [Int]) -> (height: Int, width: Int)? {
        let height = extent.height + 2 * padding[0] - kernel[2]
        let width = extent.width + 2 * padding[1] - kernel[3]
        guard height >= 0, width >= 0 else { return nil }
        return (height / stride[0] + 1, width / stride[1] + 1)
    }
}
