public import ECLMCore

extension ModularNetwork {
    /// The present modules as the registry has them: stem, head and selector, then layer by layer.
    public var slots: [ModuleSlot] {
        [.stem, .head, .selector]
            + modules.enumerated().flatMap { layer, present in present.map { slot(layer: layer, module: $0) } }
    }

    /// The place of a layer's module in the registry; the residual module is the last of its layer.
    public func slot(layer: Int, module: Int) -> ModuleSlot { specification.slot(layer: layer, module: module) }

    /// The weights of a present module.
    ///
    /// - Throws: ``LearningError`` with `specification` when the network has no such module.
    public func tensors(of slot: ModuleSlot) throws -> ModuleTensors {
        switch (slot.kind, slot.layer, slot.index) {
        case (.stem, nil, 0): return try ModuleTensors(copying: shared.named)
        case (.head, nil, 0): return try ModuleTensors(copying: head)
        case (.selector, nil, 0): return try selector.tensors()
        case (.expert, .some(let layer), let index), (.bypass, .some(let layer), let index):
            guard layers.indices.contains(layer), specification.slot(layer: layer, module: index) == slot else { break }
            return try layers[layer].tensors(of: index)
        default: break
        }
        throw LearningError(.specification, "\(specification.model) has no module \(slot.defaultName)")
    }

    /// Replaces the weights of a present module.
    ///
    /// - Throws: ``LearningError`` with `specification` when the network has no such module, or the tensors are not its.
    public func load(_ tensors: ModuleTensors, into slot: ModuleSlot) throws {
        switch (slot.kind, slot.layer, slot.index) {
        case (.stem, nil, 0): try tensors.assign(to: shared.named, owner: "stem")
        case (.head, nil, 0): try tensors.assign(to: head, owner: "head")
        case (.selector, nil, 0): try selector.load(tensors)
        case (.expert, .some(let layer), let index), (.bypass, .some(let layer), let index):
            guard layers.indices.contains(layer), specification.slot(layer: layer, module: index) == slot else {
                fallthrough
            }
            try layers[layer].load(tensors, into: index)
        default:
            throw LearningError(.specification, "\(specification.model) has no module \(slot.defaultName)")
        }
    }

    /// The network with only some of its modules: a sub-model, or a nested slice. Weights are copied.
    ///
    /// - Parameter modules: The modules of each layer, ascending; each must be present here.
    /// - Throws: ``LearningError`` with `specification`.
    public func subset(_ modules: [[Int]]) throws -> ModularNetwork {
        try ModularNetwork(specification, modules: modules, gating: gating) { try self.tensors(of: $0) }
    }

    /// Some of the network's modules as a network over the same weights: gradients flow through it into this one, and it is
    /// good until the next step of an optimiser. For training through sub-models.
    ///
    /// - Parameter modules: The modules of each layer, ascending; each must be present here.
    /// - Throws: ``LearningError`` with `specification`.
    public func view(_ modules: [[Int]]) throws -> ModularNetwork {
        try ModularNetwork(viewing: self, modules: modules)
    }

    /// The network again, with weights of its own.
    public func copy() throws -> ModularNetwork { try subset(modules) }

    /// A network that computes what a trained dense one does, by its selector's gates (paper section 1).
    ///
    /// The gates of a selector sum to 1, a dense network has each at 1: so the second half of each module takes the number
    /// of modules as a factor, the selector starts with equal gates, and all modules must stay in an example's top k until
    /// training has told them apart.
    ///
    /// - Parameters:
    ///   - dense: A whole network with ``Gating/unit(_:)``.
    ///   - seed: For the selector's embedding.
    /// - Throws: ``LearningError`` with `specification` for another network.
    public static func grown(from dense: ModularNetwork, seed: UInt64) throws -> ModularNetwork {
        guard case .unit(let scale) = dense.gating else {
            throw LearningError(
                .specification, "only a dense network, whose gates are constant, can grow into a modular one")
        }
        let selector = try Selector(dense.specification, seed: seed).tensors()
        return try ModularNetwork(dense.specification, modules: dense.modules, gating: .selector) { slot in
            guard slot.kind != .selector else { return selector }
            var tensors = try dense.tensors(of: slot)
            guard let layer = slot.layer else { return tensors }
            let factor = scale * Float(dense.modules[layer].count)
            for (position, entry) in tensors.entries.enumerated() where ["w2", "scale", "weight"].contains(entry.name) {
                tensors.entries[position].values = entry.values.map { $0 * factor }
            }
            return tensors
        }
    }
}

extension ModuleSlot {
    /// The stem, with the norms and skips of the layers.
    public static let stem = ModuleSlot(kind: .stem, layer: nil, index: 0)
    /// The classifier.
    public static let head = ModuleSlot(kind: .head, layer: nil, index: 0)
    /// The module selector.
    public static let selector = ModuleSlot(kind: .selector, layer: nil, index: 0)
}

extension NetworkSpecification {
    /// The place of a layer's module in the registry; the residual module is the last of its layer.
    public func slot(layer: Int, module: Int) -> ModuleSlot {
        ModuleSlot(kind: module < layers[layer].modules ? .expert : .bypass, layer: layer, index: module)
    }
}

extension ModuleTensors {
    fileprivate init(copying named: [(name: String, tensor: Tensor)]) throws {
        self.init(try named.map { .init(name: $0.name, shape: $0.tensor.shape, values: try $0.tensor.scalars()) })
    }

    fileprivate func assign(to named: [(name: String, tensor: Tensor)], owner: String) throws {
        try check(named.map { ($0.name, $0.tensor.shape) }, owner: "the \(owner)")
        for (name, tensor) in named { try tensor.assign(Tensor(try self[name].values, shape: tensor.shape)) }
    }
}
