/// Everything a publication says of a model: its layers, and one version of each module by digest.
///
/// Written as JSON beside the blobs by the decomposition of a checkpoint, and read by `registryctl release publish`.
public struct ModelManifest: Hashable, Sendable, Codable {
    /// The model's name: lower-case letters, digits, `.`, `_` and `-`; at most 128 characters.
    public var model: String
    /// What the model does, for people.
    public var summary: String
    /// The module layers, in order.
    public var layers: [Layer]
    /// One version of every module.
    public var modules: [Module]

    public init(model: String, summary: String, layers: [Layer], modules: [Module]) {
        self.model = model
        self.summary = summary
        self.layers = layers
        self.modules = modules
    }

    /// One decomposed block.
    public struct Layer: Hashable, Sendable, Codable {
        /// The layer's name, such as the dense block's path in the checkpoint.
        public var name: String
        /// The block's form, such as `feed_forward` or `conv_norm_act_conv`.
        public var block: String

        public init(name: String, block: String) {
            self.name = name
            self.block = block
        }
    }

    /// One version of one module.
    public struct Module: Hashable, Sendable, Codable {
        /// The module's place.
        public var slot: ModuleSlot
        /// The module's name, unique in its model.
        public var name: String
        /// Digest of the weights: a safetensors file.
        public var digest: Digest
        /// What the blob holds, in the order of the file.
        public var tensors: [TensorDescription]
        /// Analytic costs; ``ModuleCosts/bytes`` is the blob's size.
        public var costs: ModuleCosts
        /// What a device needs to run it.
        public var requirements: Requirements
        /// The default importance, at least 0, for devices that send none.
        public var importance: Double

        public init(
            slot: ModuleSlot, name: String, digest: Digest, tensors: [TensorDescription], costs: ModuleCosts,
            requirements: Requirements, importance: Double
        ) {
            self.slot = slot
            self.name = name
            self.digest = digest
            self.tensors = tensors
            self.costs = costs
            self.requirements = requirements
            self.importance = importance
        }
    }
}
