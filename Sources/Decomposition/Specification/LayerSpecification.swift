/// One block of the checkpoint and how it becomes a module layer.
public struct LayerSpecification: Sendable, Hashable {
    /// The block's form and its tensors.
    public enum Block: Sendable, Hashable {
        /// Two linear maps with an activation between them.
        case feedForward(FeedForwardSpecification)
        /// Two convolutions with a normalisation and an activation between them.
        case conv(ConvSpecification)

        /// The form's name in specifications, manifests and the registry.
        public var name: String {
            switch self {
            case .feedForward: "feed_forward"
            case .conv: "conv_norm_act_conv"
            }
        }

        /// What the block is split along.
        var innerUnits: String {
            switch self {
            case .feedForward: "neurons"
            case .conv: "channels"
            }
        }
    }

    /// The layer's name, unique in the model.
    public var name: String
    /// The block's form and its tensors.
    public var block: Block
    /// Into how many modules the inner neurons or channels are split.
    public var modules: Int
    /// Whether the layer also gets a bypass module.
    public var hasBypass: Bool
    /// What one sample is at this layer, for the analytic costs.
    public var input: InputExtent

    static let maximumModules = 4096

    init(_ reader: ObjectReader, input: InputExtent) throws(DecompositionError) {
        var reader = reader
        name = try reader.string("name")
        let form = try reader.string("block")
        switch form {
        case "feed_forward": block = .feedForward(try FeedForwardSpecification(&reader))
        case "conv_norm_act_conv": block = .conv(try ConvSpecification(&reader))
        default:
            throw DecompositionError(
                .invalidSpecification,
                "\(reader.path(of: "block")) is \(form.debugDescription); known are feed_forward, conv_norm_act_conv")
        }
        modules = try reader.integer("modules", in: 1...Self.maximumModules)
        hasBypass = try reader.bool("bypass", default: false)
        self.input = try reader.objectIfPresent("input").map(InputExtent.init) ?? input
        try reader.finish()
        if case .conv = block, self.input.height == nil || self.input.width == nil {
            throw DecompositionError(
                .missingKey,
                "\(reader.path) needs input.height and input.width: the costs of a convolution depend on them")
        }
    }

    /// The inner neurons or channels of each module: consecutive, covering `width`, of sizes that differ by at most one.
    func innerRanges(width: Int) -> [Range<Int>] {
        var start = 0
        return (0..<modules).map { index in
            let end = start + width / modules + (index < width % modules ? 1 : 0)
            defer { start = end }
            return start..<end
        }
    }
}

/// What one sample is where it enters a layer.
public struct InputExtent: Sendable, Hashable {
    /// Positions of a sequence that go through a feed-forward block.
    public var tokens: Int
    /// Rows of an image or feature map.
    public var height: Int?
    /// Columns of an image or feature map.
    public var width: Int?

    public init(tokens: Int = 1, height: Int? = nil, width: Int? = nil) {
        self.tokens = tokens
        self.height = height
        self.width = width
    }

    init(_ reader: ObjectReader) throws(DecompositionError) {
        var reader = reader
        tokens = try reader.integerIfPresent("tokens", in: 1...1 << 24) ?? 1
        height = try reader.integerIfPresent("height", in: 1...1 << 16)
        width = try reader.integerIfPresent("width", in: 1...1 << 16)
        try reader.finish()
    }
}
