/// A named fact of a set-up, as a report shows it: `devices a round`, `25`.
public struct Fact: Codable, Sendable, Hashable {
    /// What it is.
    public var name: String
    /// Its value, with its unit.
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
