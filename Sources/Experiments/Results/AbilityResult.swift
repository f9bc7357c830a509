/// What ability enhancing (the second offline stage) did to a prototype's routing.
public struct AbilityResult: Codable, Sendable, Hashable {
    /// The row, or rows, that the prototype serves: `images`.
    public var name: String
    /// The seed of the prototype.
    public var seed: UInt64
    /// The sub-tasks, in the order of the matrices' rows.
    public var subTasks: [String]
    /// The module layers, from the input on.
    public var layers: [RoutingLayer]

    public init(name: String, seed: UInt64, subTasks: [String], layers: [RoutingLayer]) {
        self.name = name
        self.seed = seed
        self.subTasks = subTasks
        self.layers = layers
    }
}

/// The routing of one module layer: mean gates, [sub-task][module].
public struct RoutingLayer: Codable, Sendable, Hashable {
    /// The layer's name.
    public var name: String
    /// Mean gates after the first stage, before enhancing; each row sums to 1.
    public var before: [[Double]]
    /// The mapping that the solver asked for (P in the paper); absent where it was not kept.
    public var mapping: [[Double]]?
    /// Mean gates after enhancing.
    public var after: [[Double]]

    public init(name: String, before: [[Double]], mapping: [[Double]]? = nil, after: [[Double]]) {
        self.name = name
        self.before = before
        self.mapping = mapping
        self.after = after
    }
}
