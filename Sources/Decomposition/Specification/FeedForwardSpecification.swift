/// A feed-forward block: y = down(activation(up(x))), for example of a transformer's layer or a hidden layer of an MLP.
public struct FeedForwardSpecification: Sendable, Hashable {
    /// How a linear map's weight is stored.
    public enum WeightLayout: String, Sendable, Hashable, CaseIterable {
        /// [outputs, inputs], as PyTorch's `Linear`.
        case outIn = "out_in"
        /// [inputs, outputs], as TensorFlow's `Dense` and GPT-2's `Conv1D`.
        case inOut = "in_out"
    }

    /// The names of a linear map's tensors in the checkpoint.
    public struct Linear: Sendable, Hashable {
        /// The weight, in ``FeedForwardSpecification/weightLayout``.
        public var weight: String
        /// The bias, where there is one.
        public var bias: String?
    }

    /// The map from the input to the inner neurons.
    public var up: Linear
    /// The map from the inner neurons to the output; its bias stays outside the modules' sum.
    public var down: Linear
    /// The layout of both weights.
    public var weightLayout: WeightLayout
    /// The activation of the inner neurons.
    public var activation: Activation

    init(_ reader: inout ObjectReader) throws(DecompositionError) {
        up = try Linear(try reader.object("up"))
        down = try Linear(try reader.object("down"))
        weightLayout = try reader.word("weight_layout", default: .outIn)
        activation = try reader.word("activation")
    }
}

extension FeedForwardSpecification.Linear {
    init(_ reader: ObjectReader) throws(DecompositionError) {
        var reader = reader
        weight = try reader.string("weight")
        bias = try reader.stringIfPresent("bias")
        try reader.finish()
    }
}
