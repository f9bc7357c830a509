/// A convolutional block: y = conv2(activation(norm(conv1(x)))), weights as PyTorch's `Conv2d` and `BatchNorm2d`.
public struct ConvSpecification: Sendable, Hashable {
    /// One two-dimensional convolution; groups are always 1.
    public struct Convolution: Sendable, Hashable {
        /// The weight's name: [outputs, inputs, kernel height, kernel width].
        public var weight: String
        /// The bias's name, where there is one.
        public var bias: String?
        /// Vertical and horizontal stride.
        public var stride: [Int]
        /// Rows and columns of zeros added on each side.
        public var padding: [Int]
    }

    /// Batch normalisation with running statistics, of the inner channels.
    public struct Normalisation: Sendable, Hashable {
        /// The scale's name.
        public var weight: String
        /// The shift's name.
        public var bias: String
        /// The running mean's name.
        public var runningMean: String
        /// The running variance's name.
        public var runningVariance: String
        /// What is added to the variance.
        public var epsilon: Double
    }

    /// The convolution to the inner channels.
    public var conv1: Convolution
    /// The normalisation of the inner channels.
    public var norm: Normalisation
    /// The activation of the inner channels.
    public var activation: Activation
    /// The convolution from the inner channels; its bias stays outside the modules' sum.
    public var conv2: Convolution

    init(_ reader: inout ObjectReader) throws(DecompositionError) {
        conv1 = try Convolution(try reader.object("conv1"))
        norm = try Normalisation(try reader.object("norm"))
        activation = try reader.word("activation")
        conv2 = try Convolution(try reader.object("conv2"))
    }
}

extension ConvSpecification.Convolution {
    init(_ reader: ObjectReader) throws(DecompositionError) {
        var reader = reader
        weight = try reader.string("weight")
        bias = try reader.stringIfPresent("bias")
        stride = try reader.pair("stride", default: 1, in: 1...1024)
        padding = try reader.pair("padding", default: 0, in: 0...1024)
        let groups = try reader.integerIfPresent("groups", in: 1...Int(Int32.max)) ?? 1
        guard groups == 1 else {
            throw DecompositionError(
                .invalidSpecification,
                "\(reader.path(of: "groups")) is \(groups): a module of some inner channels would lack inputs or outputs "
                    + "of the block, so that only convolutions with 1 group are split")
        }
        try reader.finish()
    }
}

extension ConvSpecification.Normalisation {
    init(_ reader: ObjectReader) throws(DecompositionError) {
        var reader = reader
        weight = try reader.string("weight")
        bias = try reader.string("bias")
        runningMean = try reader.string("running_mean")
        runningVariance = try reader.string("running_var")
        epsilon = try reader.number("eps", default: 1e-5)
        guard epsilon >= 0 else {
            throw DecompositionError(.invalidSpecification, "\(reader.path(of: "eps")) is below 0")
        }
        try reader.finish()
    }
}
