public import ECLMCore

extension Wire.ModuleKind {
    /// A kind as it travels.
    public init(_ kind: ModuleKind) {
        self =
            switch kind {
            case .expert: .expert
            case .bypass: .bypass
            case .stem: .stem
            case .head: .head
            case .selector: .selector
            }
    }

    /// The kind meant.
    ///
    /// - Throws: ``MappingError`` for a number this program does not know.
    public func core() throws(MappingError) -> ModuleKind {
        switch self {
        case .expert: .expert
        case .bypass: .bypass
        case .stem: .stem
        case .head: .head
        case .selector: .selector
        default: throw MappingError("module kind \(rawValue) is not known; use 1 to 5")
        }
    }
}

extension Wire.ModuleSlot {
    /// A place as it travels.
    public init(_ slot: ModuleSlot) {
        self.init()
        kind = Wire.ModuleKind(slot.kind)
        layer = slot.layer.map { Int32(clamping: $0) }
        index = Int32(clamping: slot.index)
    }

    /// The place meant.
    ///
    /// - Throws: ``MappingError`` for an unknown kind.
    public func core() throws(MappingError) -> ModuleSlot {
        ModuleSlot(kind: try kind.core(), layer: layer.map(Int.init), index: Int(index))
    }
}

extension Wire.Tensor {
    /// A tensor's description as it travels.
    public init(_ tensor: TensorDescription) {
        self.init()
        name = tensor.name
        dtype = tensor.dtype.rawValue
        shape = tensor.shape.map(Int64.init)
    }

    /// The description meant.
    ///
    /// - Throws: ``MappingError`` for an unknown dtype.
    public func core() throws(MappingError) -> TensorDescription {
        guard let dtype = ElementType(rawValue: dtype) else { throw MappingError("dtype \(dtype) is not known") }
        return TensorDescription(name: name, dtype: dtype, shape: shape.map { Int(clamping: $0) })
    }
}

extension Wire.ModuleCosts {
    /// Costs as they travel.
    public init(_ costs: ModuleCosts) {
        self.init()
        (bytes, parameters, flops, peakMemory) = (costs.bytes, costs.parameters, costs.flops, costs.peakMemory)
    }

    /// The costs meant.
    public var core: ModuleCosts {
        ModuleCosts(bytes: bytes, parameters: parameters, flops: flops, peakMemory: peakMemory)
    }
}
