import ECLMCore
import Learning
import Testing

/// A differentiable operation, in Swift and in Python, with the shapes of tensors to try it on.
struct Operation: Sendable, CustomTestStringConvertible {
    var name: String
    var shapes: [[Int]]
    var range: ClosedRange<Float>
    /// How to say it in PyTorch: an expression of x, the list of inputs.
    var python: String
    var body: @Sendable ([Tensor]) throws -> Tensor

    var testDescription: String { name }

    init(
        _ name: String, _ shapes: [[Int]], in range: ClosedRange<Float> = -1.5...1.5, python: String,
        _ body: @escaping @Sendable ([Tensor]) throws -> Tensor
    ) {
        self.name = name
        self.shapes = shapes
        self.range = range
        self.python = python
        self.body = body
    }

    /// Inputs that are the same in every run: values spread evenly over the range, in random order. Even spreading keeps
    /// them apart from each other and from 0, where operations have kinks.
    var inputs: [[Float]] {
        var random = SplitMix64(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        return shapes.map { shape in
            let count = shape.reduce(1, *)
            let step = (range.upperBound - range.lowerBound) / Float(count)
            return (0..<count).map { range.lowerBound + (Float($0) + 0.45) * step }.shuffled(using: &random)
        }
    }

    /// Weights for the sum over an output of this many values, to take the gradient of.
    static func weights(_ count: Int) -> [Float] {
        (0..<count).map { [0.5, -1, 0.75, 1.25, -0.25, 1, -0.5][$0 % 7] }
    }

    struct Evaluation: Codable {
        var shape: [Int]
        var output: [Float]
        var gradients: [[Float]]
    }

    /// The output, and the gradient of its weighted sum with respect to every input.
    func evaluate() throws -> Evaluation {
        let tensors = try zip(inputs, shapes).map { try Tensor($0, shape: $1).requireGradient() }
        let output = try body(tensors)
        let weights = try Tensor(Self.weights(output.count), shape: output.shape)
        try (output * weights).sum().backward()
        return Evaluation(
            shape: output.shape, output: try output.scalars(),
            gradients: try tensors.map { try #require(try $0.gradient()).scalars() })
    }

    /// The weighted sum of the output, in double precision.
    func weightedSum(_ inputs: [[Float]]) throws -> Double {
        let output = try Tensor.withoutGradient {
            try body(zip(inputs, shapes).map { try Tensor($0, shape: $1) }).scalars()
        }
        return zip(output, Self.weights(output.count)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}
