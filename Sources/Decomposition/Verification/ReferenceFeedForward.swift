import ECLMCore

/// A feed-forward block or module without what comes behind the sum.
struct ReferenceFeedForward: Sendable {
    let inputs: Int, outputs: Int
    private let width: Int
    /// [width, inputs] and [outputs, width], whatever the layout in the file.
    private let up: [Float], down: [Float]
    private let upBias: [Float]?
    private let activation: Activation

    init(_ block: FeedForwardSpecification, _ weights: ReferenceWeights) throws(DecompositionError) {
        let upTensor = try weights.tensor("up.weight")
        let downTensor = try weights.tensor("down.weight")
        let isOutIn = block.weightLayout == .outIn
        guard upTensor.shape.count == 2, downTensor.shape.count == 2,
            upTensor.shape[isOutIn ? 0 : 1] == downTensor.shape[isOutIn ? 1 : 0]
        else {
            throw DecompositionError(
                .wrongShape,
                "layer \(weights.layer.debugDescription): up.weight has shape \(upTensor.shape) and "
                    + "down.weight \(downTensor.shape); their inner extents must agree")
        }
        width = upTensor.shape[isOutIn ? 0 : 1]
        inputs = upTensor.shape[isOutIn ? 1 : 0]
        outputs = downTensor.shape[isOutIn ? 0 : 1]
        up = isOutIn ? try weights.floats("up.weight") : Self.transposed(try weights.floats("up.weight"), rows: inputs)
        down =
            isOutIn
            ? try weights.floats("down.weight") : Self.transposed(try weights.floats("down.weight"), rows: width)
        upBias = try weights.floatsIfPresent("up.bias")
        activation = block.activation
        guard upBias.map({ $0.count == width }) ?? true else {
            throw DecompositionError(
                .wrongShape, "layer \(weights.layer.debugDescription): up.bias does not have \(width) values")
        }
    }

    /// Adds the output for [tokens, inputs] to `sum`, [tokens, outputs], which is filled with zeros when empty.
    func add(_ input: [Float], tokens: Int, to sum: inout [Double]) {
        precondition(input.count == tokens * inputs, "\(input.count) values are no \(tokens) x \(inputs)")
        if sum.isEmpty { sum = [Double](repeating: 0, count: tokens * outputs) }
        var hidden = [Float](repeating: 0, count: width)
        for token in 0..<tokens {
            Self.multiply(up, input, from: token * inputs, columns: inputs) { neuron, value in
                hidden[neuron] = activation(Float(value + Double(upBias?[neuron] ?? 0)))
            }
            Self.multiply(down, hidden, from: 0, columns: width) { output, value in
                sum[token * outputs + output] += value
            }
        }
    }

    /// Hands each row's dot product with the vector to `body`.
    private static func multiply(
        _ matrix: [Float], _ vector: [Float], from start: Int, columns: Int, _ body: (Int, Double) -> Void
    ) {
        guard columns > 0 else { return }
        matrix.withUnsafeBufferPointer { matrix in
            vector.withUnsafeBufferPointer { vector in
                guard let weights = matrix.baseAddress, let values = vector.baseAddress.map({ $0 + start }) else {
                    return
                }
                for row in 0..<matrix.count / columns {
                    let line = weights + row * columns
                    var sum = 0.0
                    var column = 0
                    while column < columns {
                        sum += Double(line[column]) * Double(values[column])
                        column &+= 1
                    }
                    body(row, sum)
                }
            }
        }
    }

    private static func transposed(_ matrix: [Float], rows: Int) -> [Float] {
        let columns = matrix.count / rows
        return (0..<matrix.count).map { matrix[($0 % rows) * columns + $0 / rows] }
    }
}
