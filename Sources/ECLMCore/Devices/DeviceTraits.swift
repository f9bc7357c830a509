/// Hardware and runtime traits of a device class: what it has, and so which module versions it can run.
public struct DeviceTraits: Hashable, Sendable, Codable {
    /// Memory a sub-model may use, in bytes.
    public var memory: Int64
    /// Compute a sub-model may use for one sample, in floating-point operations.
    public var flops: Int64
    /// Element types the runtime can compute with.
    public var dtypes: Set<ElementType>
    /// Names of the operators the runtime offers, lower case.
    public var operators: Set<String>
    /// The runtime's version.
    public var runtime: RuntimeVersion

    public init(
        memory: Int64, flops: Int64, dtypes: Set<ElementType>, operators: Set<String>, runtime: RuntimeVersion
    ) {
        self.memory = memory
        self.flops = flops
        self.dtypes = dtypes
        self.operators = operators
        self.runtime = runtime
    }
}

/// What a module version asks of the device that runs it: its device-compatibility metadata.
public struct Requirements: Hashable, Sendable, Codable {
    /// Element types the device must compute with.
    public var dtypes: Set<ElementType>
    /// Operators the device must offer, lower case.
    public var operators: Set<String>
    /// The oldest runtime that runs the module.
    public var minimumRuntime: RuntimeVersion

    public init(
        dtypes: Set<ElementType> = [], operators: Set<String> = [], minimumRuntime: RuntimeVersion = .init(0)
    ) {
        self.dtypes = dtypes
        self.operators = operators
        self.minimumRuntime = minimumRuntime
    }

    /// What `device` lacks, in words; empty when it can run the module.
    public func unmet(by device: DeviceTraits) -> [String] {
        var reasons: [String] = []
        for dtype in dtypes.subtracting(device.dtypes).map(\.rawValue).sorted() {
            reasons.append("needs dtype \(dtype)")
        }
        for name in operators.subtracting(device.operators).sorted() {
            reasons.append("needs operator \(name)")
        }
        if device.runtime < minimumRuntime {
            reasons.append("needs runtime \(minimumRuntime) or newer, the device has \(device.runtime)")
        }
        return reasons
    }

    enum CodingKeys: String, CodingKey {
        case dtypes, operators
        case minimumRuntime = "minimum_runtime"
    }
}

// Sets are written in order: equal values must give equal JSON, which manifests and audit records are compared by.

extension DeviceTraits {
    enum CodingKeys: String, CodingKey {
        case memory, flops, dtypes, operators, runtime
    }

    /// Writes the traits, sets in alphabetical order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(memory, forKey: .memory)
        try container.encode(flops, forKey: .flops)
        try container.encode(dtypes.map(\.rawValue).sorted(), forKey: .dtypes)
        try container.encode(operators.sorted(), forKey: .operators)
        try container.encode(runtime, forKey: .runtime)
    }
}

extension Requirements {
    /// Writes the requirements, sets in alphabetical order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(dtypes.map(\.rawValue).sorted(), forKey: .dtypes)
        try container.encode(operators.sorted(), forKey: .operators)
        try container.encode(minimumRuntime, forKey: .minimumRuntime)
    }
}
