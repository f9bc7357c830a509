/// A message that is well-formed protobuf but says something that cannot be.
public struct MappingError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what would be right.
    public var description: String

    /// An error with its message.
    public init(_ description: String) {
        self.description = description
    }
}
