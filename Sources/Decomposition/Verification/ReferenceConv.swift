import ECLMCore

/// A convolutional block or module without what comes behind the sum.
struct ReferenceConv: Sendable {
    private let block: ConvSpecification
    private let conv1: Kernel, conv2: Kernel
    /// The inner channels' bias, and normalisation as one scale and shift each.
    private let scale: [Float], shift: [Float]

    var inputs: Int { conv1.shape[1] }
    var outputs: Int { conv2.shape[0] }

    /// A convolution's weight: [outputs, inputs, height, width].
    struct Kernel: Sendable {
        let values: [Float]
        let shape: [Int]
    }

    init(_ block: ConvSpecification, _ weights: ReferenceWeights) throws(DecompositionError) {
        self.block = block
        conv1 = Kernel(values: try weights.floats("conv1.weight"), shape: try weights.tensor("conv1.weight").shape)
        conv2 = Kernel(values: try weights.floats("conv2.weight"), shape: try weights.tensor("conv2.weight").shape)
        let width = conv1.shape.first ?? 0
        let gamma = try weights.floats("norm.weight")
        let beta = try weights.floats("norm.bias")
        let mean = try weights.floats("norm.running_mean")
        let variance = try weights.floats("norm.running_var")
        let bias = try weights.floatsIfPresent("conv1.bias") ?? [Float](repeating: 0, count: width)
        guard conv1.shape.count == 4, conv2.shape.count == 4, conv2.shape[1] == width,
            [gamma, beta, mean, variance, bias].allSatisfy({ $0.count == width })
        else {
            throw DecompositionError(
                .wrongShape,
                "layer \(weights.layer.debugDescription): conv1.weight has shape \(conv1.shape), conv2.weight "
                    + "\(conv2.shape); the inner channels and their normalisation must agree")
        }
        scale = (0..<width).map { gamma[$0] / (variance[$0] + Float(block.norm.epsilon)).squareRoot() }
        let scale = scale
        shift = (0..<width).map { (bias[$0] - mean[$0]) * scale[$0] + beta[$0] }
    }

    /// Adds the output for [inputs, height, width] to `sum`, which is filled with zeros when empty.
    func add(_ input: [Float], height: Int, width: Int, to sum: inout [Double]) {
        precondition(input.count == conv1.shape[1] * height * width, "\(input.count) values are no such image")
        guard let inner = block.conv1.outputExtent((height, width), kernel: conv1.shape),
            let outer = block.conv2.outputExtent(inner, kernel: conv2.shape)
        else { return }
        var hidden = [Double](repeating: 0, count: conv1.shape[0] * inner.height * inner.width)
        Self.convolve(input, (height, width), conv1, block.conv1, inner, into: &hidden)
        let area = inner.height * inner.width
        let values = hidden.enumerated().map { place, value in
            block.activation(Float(value * Double(scale[place / area]) + Double(shift[place / area])))
        }
        if sum.isEmpty { sum = [Double](repeating: 0, count: conv2.shape[0] * outer.height * outer.width) }
        Self.convolve(values, inner, conv2, block.conv2, outer, into: &sum)
    }

    /// Adds the convolution of [inputs, height, width] to `output`: weight by weight, so that the innermost loop runs
    /// along a row of the output.
    private static func convolve(
        _ input: [Float], _ extent: (height: Int, width: Int), _ kernel: Kernel,
        _ convolution: ConvSpecification.Convolution, _ outer: (height: Int, width: Int), into output: inout [Double]
    ) {
        let shape = kernel.shape
        let (strideY, strideX) = (convolution.stride[0], convolution.stride[1])
        let (paddingY, paddingX) = (convolution.padding[0], convolution.padding[1])
        input.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                for (place, weight) in kernel.values.enumerated() {
                    let column = place % shape[3]
                    let row = place / shape[3] % shape[2]
                    let source = place / (shape[3] * shape[2]) % shape[1] * extent.height * extent.width
                    let target = place / (shape[3] * shape[2] * shape[1]) * outer.height * outer.width
                    for y in 0..<outer.height {
                        let inputY = y * strideY + row - paddingY
                        guard (0..<extent.height).contains(inputY) else { continue }
                        var x = 0
                        while x < outer.width {
                            let inputX = x * strideX + column - paddingX
                            if inputX >= 0, inputX < extent.width {
                                output[target + y * outer.width + x] +=
                                    Double(weight) * Double(input[source + inputY * extent.width + inputX])
                            }
                            x += 1
                        }
                    }
                }
            }
        }
    }
}
