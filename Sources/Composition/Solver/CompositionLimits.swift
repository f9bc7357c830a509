/// Where the search stops; without a figure it goes on until the answer is proved.
public struct CompositionLimits: Hashable, Sendable {
    /// The longest time to search.
    public var time: Duration?
    /// The most nodes to search.
    public var nodes: Int?

    /// No limits: the answer is always proved.
    public static let none = CompositionLimits()

    /// `nil` is unlimited.
    public init(time: Duration? = nil, nodes: Int? = nil) {
        self.time = time
        self.nodes = nodes
    }
}
