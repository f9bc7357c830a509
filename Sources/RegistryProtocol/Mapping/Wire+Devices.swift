public import ECLMCore

/// The element types named.
private func elementTypes(_ names: [String]) throws(MappingError) -> Set<ElementType> {
    var dtypes: Set<ElementType> = []
    for name in names {
        guard let dtype = ElementType(rawValue: name) else {
            throw MappingError(
                "dtype \(name.debugDescription) is not known; use "
                    + ElementType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        dtypes.insert(dtype)
    }
    return dtypes
}

private func runtimeVersion(_ text: String) throws(MappingError) -> RuntimeVersion {
    guard let version = RuntimeVersion(text) else {
        throw MappingError("\(text.debugDescription) is no runtime version; write it like 2.1.0")
    }
    return version
}

extension Wire.Requirements {
    /// Requirements as they travel.
    public init(_ requirements: Requirements) {
        self.init()
        dtypes = requirements.dtypes.map(\.rawValue).sorted()
        operators = requirements.operators.sorted()
        minimumRuntime = requirements.minimumRuntime.description
    }

    /// The requirements meant.
    ///
    /// - Throws: ``MappingError`` for an unknown dtype or a version that is none.
    public func core() throws(MappingError) -> Requirements {
        Requirements(
            dtypes: try elementTypes(dtypes), operators: Set(operators),
            minimumRuntime: try runtimeVersion(minimumRuntime))
    }
}

extension Wire.DeviceTraits {
    /// Traits as they travel.
    public init(_ traits: DeviceTraits) {
        self.init()
        (memory, flops) = (traits.memory, traits.flops)
        dtypes = traits.dtypes.map(\.rawValue).sorted()
        operators = traits.operators.sorted()
        runtime = traits.runtime.description
    }

    /// The traits meant.
    ///
    /// - Throws: ``MappingError`` for an unknown dtype or a version that is none.
    public func core() throws(MappingError) -> DeviceTraits {
        DeviceTraits(
            memory: memory, flops: flops, dtypes: try elementTypes(dtypes), operators: Set(operators),
            runtime: try runtimeVersion(runtime))
    }
}

extension Wire.Attribute {
    /// A device's attributes as they travel, in the order of their names.
    public static func list(_ attributes: [String: String]) -> [Wire.Attribute] {
        attributes.sorted { $0.key < $1.key }.map { key, value in
            var attribute = Wire.Attribute()
            attribute.key = key
            attribute.value = value
            return attribute
        }
    }
}

extension Wire.Budget {
    /// A budget as it travels.
    public init(_ budget: Budget) {
        self.init()
        (memory, flops, fetchBytes) = (budget.memory, budget.flops, budget.fetchBytes)
    }

    /// The budget meant.
    public var core: Budget { Budget(memory: memory, flops: flops, fetchBytes: fetchBytes) }
}

extension Wire.Resource {
    /// A resource as it travels.
    public init(_ resource: Resource) {
        self =
            switch resource {
            case .memory: .memory
            case .flops: .flops
            case .fetchBytes: .fetchBytes
            }
    }

    /// The resource meant; `nil` for one this program does not know.
    public var core: Resource? {
        switch self {
        case .memory: .memory
        case .flops: .flops
        case .fetchBytes: .fetchBytes
        default: nil
        }
    }
}
