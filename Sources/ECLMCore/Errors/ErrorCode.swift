/// A kind of failure, which programs act on: a struct with static members, since new kinds may come at any time.
public protocol ErrorCode: Hashable, Sendable, CustomStringConvertible {
    /// The kind's stable name in snake_case, which logs, metrics and error documents show.
    var name: String { get }
    /// How a program ends that ends on the error.
    var exitStatus: ExitStatus { get }
}

extension ErrorCode {
    public var description: String { name }
}
