import CommandSupport
import ECLMCore
import Registry

/// Figures as tables show them.
enum Figure {
    static func bytes(_ value: Int64) -> String { ByteSize(value).description }
    static func operations(_ value: Int64) -> String { OperationCount(value).description }
    /// A number as people write it: whole numbers without a point.
    static func number(_ value: Double) -> String { Int64(exactly: value).map(String.init) ?? "\(value)" }
    static func importance(_ value: Double) -> String { Quantity.decimal(value, places: 4) }

    static func amount(_ value: Int64, of resource: Resource) -> String {
        resource == .flops ? operations(value) : bytes(value)
    }

    static func shape(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ", ") + "]" }
}

extension Resource {
    /// The resource as tables name it.
    var title: String {
        switch self {
        case .memory: "memory"
        case .flops: "flops"
        case .fetchBytes: "fetch bytes"
        }
    }
}
