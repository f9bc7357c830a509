public import ECLMCore

/// An amount of every resource: what a module costs, or what a sub-model uses.
public struct ResourceAmounts: Hashable, Sendable, Codable {
    /// Peak memory in bytes.
    public var memory: Int64
    /// Floating-point operations for one sample.
    public var flops: Int64
    /// Bytes to fetch.
    public var fetchBytes: Int64

    /// Nothing of any resource.
    public static let zero = ResourceAmounts()

    public init(memory: Int64 = 0, flops: Int64 = 0, fetchBytes: Int64 = 0) {
        self.memory = memory
        self.flops = flops
        self.fetchBytes = fetchBytes
    }

    /// The amount of one resource.
    public subscript(resource: Resource) -> Int64 {
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

    /// The sum of two amounts; throws ``CompositionError`` with code `overflow` where a figure leaves 64 bits.
    public func adding(_ other: ResourceAmounts) throws(CompositionError) -> ResourceAmounts {
        var sum = ResourceAmounts.zero
        for resource in Resource.allCases {
            let (value, overflow) = self[resource].addingReportingOverflow(other[resource])
            guard !overflow else {
                throw CompositionError(
                    .overflow, "the \(resource.phrase) of a sub-model exceeds 64 bits: check the costs in the catalogue"
                )
            }
            sum[resource] = value
        }
        return sum
    }

    enum CodingKeys: String, CodingKey {
        case memory, flops
        case fetchBytes = "fetch_bytes"
    }
}

extension ResourceAmounts {
    /// Whether no figure exceeds that of `room`.
    @inline(__always)
    func fits(in room: ResourceAmounts) -> Bool {
        memory <= room.memory && flops <= room.flops && fetchBytes <= room.fetchBytes
    }

    // Unchecked by name only: the problem's validation keeps every sum of all candidates within 63 bits.

    @inline(__always)
    static func + (a: ResourceAmounts, b: ResourceAmounts) -> ResourceAmounts {
        ResourceAmounts(memory: a.memory + b.memory, flops: a.flops + b.flops, fetchBytes: a.fetchBytes + b.fetchBytes)
    }

    @inline(__always)
    static func - (a: ResourceAmounts, b: ResourceAmounts) -> ResourceAmounts {
        ResourceAmounts(memory: a.memory - b.memory, flops: a.flops - b.flops, fetchBytes: a.fetchBytes - b.fetchBytes)
    }
}
