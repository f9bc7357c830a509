/// A limited resource of a composition (paper section 2: memory, compute, communication).
public enum Resource: String, Sendable, Hashable, Codable, CaseIterable {
    /// Peak memory of the sub-model, in bytes.
    case memory
    /// Floating-point operations for one sample.
    case flops
    /// Bytes to fetch; a module the device already holds costs none.
    case fetchBytes = "fetch_bytes"
}

/// What a device may spend on a sub-model; a resource without a figure is not limited.
public struct Budget: Hashable, Sendable, Codable {
    /// Peak memory in bytes.
    public var memory: Int64?
    /// Floating-point operations for one sample.
    public var flops: Int64?
    /// Bytes to fetch.
    public var fetchBytes: Int64?

    /// `nil` means unlimited.
    public init(memory: Int64? = nil, flops: Int64? = nil, fetchBytes: Int64? = nil) {
        self.memory = memory
        self.flops = flops
        self.fetchBytes = fetchBytes
    }

    /// The limit on one resource; `nil` means unlimited.
    public subscript(resource: Resource) -> Int64? {
        get {
            switch resource {
            case .memory: memory
            case .flops: flops
            case .fetchBytes: fetchBytes
            }
        }
        set {
            switch resource {
            case .memory: memory = newValue
            case .flops: flops = newValue
            case .fetchBytes: fetchBytes = newValue
            }
        }
    }

    enum CodingKeys: String, CodingKey {
        case memory, flops
        case fetchBytes = "fetch_bytes"
    }
}
