/// A modular network as a JSON document says it: stem, module layers, head and selector (docs/learning.md).
///
/// Features are flat, `[F]`, or planes, `[C, H, W]`; one-dimensional signals are planes of height 1.
public struct NetworkSpecification: Codable, Hashable, Sendable {
    /// The model's name in the registry.
    public var model: String
    /// The shape of one example: `[F]` or `[C, H, W]`.
    public var input: [Int]
    /// The number of classes, at least 2.
    public var classes: Int
    /// The shared layer before the first module layer.
    public var stem: StemSpecification
    /// The module layers, in order.
    public var layers: [LayerSpecification]
    /// The shared layer behind the last module layer.
    public var head: HeadSpecification
    /// The network that scores all modules of all layers from the raw input.
    public var selector: SelectorSpecification

    /// ``validated()`` checks it.
    public init(
        model: String, input: [Int], classes: Int, stem: StemSpecification, layers: [LayerSpecification],
        head: HeadSpecification = .init(), selector: SelectorSpecification
    ) {
        self.model = model
        self.input = input
        self.classes = classes
        self.stem = stem
        self.layers = layers
        self.head = head
        self.selector = selector
    }
}

/// Whether a layer multiplies by a matrix or convolves.
public enum BlockKind: String, Codable, Hashable, Sendable {
    /// A matrix product over flat features.
    case dense
    /// A two-dimensional convolution over planes, padded by half of its kernel.
    case convolution
}

/// The non-linearity of a layer.
public enum ActivationKind: String, Codable, Hashable, Sendable {
    /// max(x, 0).
    case relu
    /// x Φ(x).
    case gelu
}

/// The shared layer before the first module layer: act(norm(W x)).
public struct StemSpecification: Codable, Hashable, Sendable {
    /// What the stem is.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// A matrix over the flattened input.
        case dense
        /// A convolution over the planes of the input.
        case convolution
        /// Nothing: the first module layer sees the input.
        case none
    }

    /// What the stem is.
    public var kind: Kind
    /// Output features or channels.
    public var width: Int
    /// The kernel of a convolution, `[height, width]`, odd.
    public var kernel: [Int]
    /// The stride of a convolution, `[vertical, horizontal]`.
    public var stride: [Int]

    public init(kind: Kind, width: Int = 0, kernel: [Int] = [3, 3], stride: [Int] = [1, 1]) {
        self.kind = kind
        self.width = width
        self.kernel = kernel
        self.stride = stride
    }
}

/// A block of the cloud model, replaced by N shrunk modules and perhaps a residual module (paper section 1):
/// `y = act(norm(skip(x) + Σ g_i f_i(x)))` with `f_i(x) = W2_i act(norm_i(W1_i x))`.
public struct LayerSpecification: Codable, Hashable, Sendable {
    /// The layer's name, unique in the model.
    public var name: String
    /// What the modules are made of.
    public var block: BlockKind
    /// Output features or channels.
    public var width: Int
    /// The number N of shrunk modules.
    public var modules: Int
    /// The inner width h of each module: N · h is the width inside the dense block it stands for.
    public var inner: Int
    /// The kernel of a convolution's first half, odd.
    public var kernel: [Int]
    /// The kernel of its second half, odd.
    public var outputKernel: [Int]
    /// The stride of the first half.
    public var stride: [Int]
    /// Whether there is a residual module, with the index N, by which an input can pass the layer.
    public var bypass: Bool
    /// Whether the block adds its input, as a ResNet's does: a shared part, not gated.
    public var skip: Bool
    /// Whether each module normalises what is inside it (GroupNorm over its inner channels), else it has a bias there.
    public var innerNorm: Bool
    /// The non-linearity inside the modules and behind the layer.
    public var activation: ActivationKind

    public init(
        name: String, block: BlockKind, width: Int, modules: Int, inner: Int, kernel: [Int] = [3, 3],
        outputKernel: [Int] = [1, 1], stride: [Int] = [1, 1], bypass: Bool = true, skip: Bool = false,
        innerNorm: Bool = true, activation: ActivationKind = .relu
    ) {
        self.name = name
        self.block = block
        self.width = width
        self.modules = modules
        self.inner = inner
        self.kernel = kernel
        self.outputKernel = outputKernel
        self.stride = stride
        self.bypass = bypass
        self.skip = skip
        self.innerNorm = innerNorm
        self.activation = activation
    }

    /// Modules that a device can choose from: N, and the residual module.
    public var choices: Int { modules + (bypass ? 1 : 0) }
}

/// The shared classifier behind the last module layer.
public struct HeadSpecification: Codable, Hashable, Sendable {
    /// Whether planes are averaged to one value a channel before the classifier; else they are flattened.
    public var pool: Bool

    public init(pool: Bool = true) { self.pool = pool }
}

/// The module selector: an embedding of the raw input, and one linear map a layer (paper section 2).
public struct SelectorSpecification: Codable, Hashable, Sendable {
    /// The window that planes are averaged over first, `[height, width]`; none for flat inputs.
    public var pool: [Int]?
    /// The widths of the embedding's layers.
    public var widths: [Int]
    /// The number k of modules that an example is sent through in each layer.
    public var topK: Int

    public init(pool: [Int]? = nil, widths: [Int], topK: Int) {
        self.pool = pool
        self.widths = widths
        self.topK = topK
    }
}
