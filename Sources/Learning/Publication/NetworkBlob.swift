public import ECLMCore

/// How modules of a network lie in blobs: safetensors files of one floating-point type. The stem's and the selector's carry the
/// network's specification, so that a device can build its sub-model, and the selector alone, from blobs and nothing else.
enum NetworkBlob {
    /// The most bytes that a specification in a blob may have.
    static let maximumSpecification = 1 << 20

    static func bytes(
        of tensors: ModuleTensors, slot: ModuleSlot, specification: NetworkSpecification, dtype: ElementType = .f32
    ) throws -> [UInt8] {
        // Without the module's name, two residual modules of equal weights would be one blob: right, and smaller.
        var metadata: [ExactText: String] = ["format": "eclm.module"]
        if slot == .stem || slot == .selector {
            metadata[ExactText(NetworkSpecification.metadataKey)] = String(decoding: specification.json, as: UTF8.self)
        }
        return try tensors.safetensors(metadata: metadata, dtype: dtype)
    }

    /// The specification that a stem's or selector's blob carries.
    ///
    /// - Throws: ``LearningError`` with `specification` for a blob without one, or one that does not fit together.
    static func specification(in bytes: [UInt8], of owner: String) throws -> NetworkSpecification {
        let metadata: [ExactText: String]
        do {
            metadata = try SafetensorsFile(bytes: bytes, limits: .module).header.metadata
        } catch {
            throw LearningError(
                .specification, "the blob of the \(owner) cannot be read: \(error.explanation)", cause: error)
        }
        guard let json = metadata[ExactText(NetworkSpecification.metadataKey)] else {
            throw LearningError(
                .specification,
                "the blob of the \(owner) says nothing of its network: it was not published by the offline stage")
        }
        guard json.utf8.count <= maximumSpecification else {
            throw LearningError(
                .specification, "the specification in the blob of the \(owner) has \(json.utf8.count) bytes")
        }
        return try NetworkSpecification.parse(Array(json.utf8))
    }
}

extension NetworkSpecification {
    /// The key of the specification in the metadata of a stem's or a selector's blob.
    public static let metadataKey = "network"

    /// The network that a stem's or a selector's blob belongs to.
    ///
    /// - Throws: ``LearningError`` with `specification` for a blob without a specification.
    public init(fromBlob bytes: [UInt8]) throws {
        self = try NetworkBlob.specification(in: bytes, of: "stem or selector")
    }
}

extension Selector {
    /// A selector from its blob alone: all that a device needs to score its data.
    ///
    /// - Throws: ``LearningError`` with `specification` for a blob without its network's specification, or whose tensors
    ///   are not that network's, or not finite.
    public convenience init(fromBlob bytes: [UInt8]) throws {
        let specification = try NetworkBlob.specification(in: bytes, of: "selector")
        try self.init(specification, tensors: try ModuleTensors(checked: bytes, owner: "selector"))
    }
}

extension ModularNetwork {
    /// A network, whole or a sub-model, from its modules' blobs alone.
    ///
    /// - Parameter blobs: The blobs by place; stem, head, selector, and at least one module of each layer.
    /// - Throws: ``LearningError`` with `specification` where a part is missing, or tensors are not those of the network
    ///   that the stem's blob describes, or not finite.
    public convenience init(fromBlobs blobs: [ModuleSlot: [UInt8]]) throws {
        guard let stem = blobs[.stem] else {
            throw LearningError(.specification, "there is no stem among the blobs; every sub-model has one")
        }
        let specification = try NetworkBlob.specification(in: stem, of: "stem")
        if let selector = blobs[.selector],
            try NetworkBlob.specification(in: selector, of: "selector") != specification
        {
            throw LearningError(.specification, "stem and selector are of different networks")
        }
        var modules = [[Int]](repeating: [], count: specification.layers.count)
        for slot in blobs.keys.sorted() {
            guard let layer = slot.layer else { continue }
            guard modules.indices.contains(layer),
                (0..<specification.layers[layer].choices).contains(slot.index),
                specification.slot(layer: layer, module: slot.index) == slot
            else {
                throw LearningError(
                    .specification, "\(specification.model) has no module \(slot.defaultName), which is among the blobs"
                )
            }
            modules[layer].append(slot.index)
        }
        try self.init(specification, modules: modules) { slot in
            guard let bytes = blobs[slot] else {
                throw LearningError(.specification, "there is no \(slot.defaultName) among the blobs")
            }
            return try ModuleTensors(checked: bytes, owner: slot.defaultName)
        }
    }

    /// The blob of a present module, as it is published and as an update of it is submitted.
    ///
    /// - Parameter dtype: What its weights are rounded to: that of the publication.
    /// - Throws: ``LearningError`` with `specification` when the network has no such module, or a weight is too large for
    ///   `dtype`.
    public func blob(of slot: ModuleSlot, dtype: ElementType = .f32) throws -> [UInt8] {
        try NetworkBlob.bytes(of: tensors(of: slot), slot: slot, specification: specification, dtype: dtype)
    }
}

extension ModuleTensors {
    /// - Throws: ``LearningError`` with `specification` also where values are not finite.
    fileprivate init(checked bytes: [UInt8], owner: String) throws {
        try self.init(safetensors: bytes)
        try requireFinite(owner: owner)
    }

    /// - Throws: ``LearningError`` with `specification` when a value is not finite.
    func requireFinite(owner: String) throws {
        if let entry = entries.first(where: { $0.values.firstNonFinite != nil }) {
            throw LearningError(
                .specification, "tensor \(entry.name) of \(owner) has values that are not finite")
        }
    }
}
