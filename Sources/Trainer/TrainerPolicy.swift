import Registry

/// When a trainer starts a round, and for what. A model's policy in the registry wins over the numbers of updates and
/// devices and the wait.
public struct TrainerPolicy: Sendable, Hashable {
    /// The channel whose release a round starts from and moves.
    public var channel: String = "stable"
    /// The models it trains; empty for all that have the channel.
    public var models: Set<String> = []
    /// Updates that make a round worth while, unless the oldest has waited ``maximumWait``.
    public var minimumUpdates: Int = TrainingPolicy().minimumUpdates
    /// The fewest updates of a round, however long they wait; `nil` for what the rule asks for.
    public var requiredUpdates: Int?
    /// The fewest devices that the updates of a round come from; `nil` for what the rule asks for.
    public var requiredDevices: Int?
    /// The most updates one round takes.
    public var maximumUpdates: Int = TrainingPolicy().maximumUpdates
    /// How long an update waits for others at most before a round starts without them.
    public var maximumWait: Duration = .seconds(TrainingPolicy().maximumWait)
    /// How often the queue is looked at when no notification came.
    public var pollInterval: Duration = .seconds(30)
    /// Bytes that weights may take, as doubles, where a rule must see all updates at once: they are read in blocks of as
    /// many coordinates as fit. Has no influence on the outcome.
    public var blockMemory: Int = 64 << 20
    /// How often a round begins anew because the channel moved under it. From the second time on the round holds the
    /// model's lock from its start, so nothing can move the channel again.
    public var maximumRestarts: Int = 4

    /// The default policy: the channel `stable` of every model, a round for whatever is pending.
    public init() {}

    /// Refuses values that make no sense together.
    ///
    /// - Throws: ``TrainerError`` with `invalidPolicy` naming the value.
    public func check() throws(TrainerError) {
        func require(_ condition: Bool, _ rule: String) throws(TrainerError) {
            guard condition else { throw TrainerError(.invalidPolicy, rule) }
        }
        try require((1...128).contains(channel.utf8.count), "the channel's name must have 1 to 128 characters")
        try require(
            (1...65_536).contains(maximumUpdates), "maximumUpdates must lie in 1...65536, not be \(maximumUpdates)")
        try require(
            (1...maximumUpdates).contains(minimumUpdates),
            "minimumUpdates must lie in 1...maximumUpdates (\(maximumUpdates)), not be \(minimumUpdates)")
        for (name, number) in [("requiredUpdates", requiredUpdates), ("requiredDevices", requiredDevices)] {
            try require(
                (1...maximumUpdates).contains(number ?? 1),
                "\(name) must lie in 1...maximumUpdates (\(maximumUpdates)), not be \(number ?? 1)")
        }
        try require(maximumWait >= .zero, "maximumWait must not be negative")
        try require(pollInterval >= .milliseconds(10), "pollInterval must be at least 10 ms")
        try require(
            ((1 << 16)...(1 << 40)).contains(blockMemory),
            "blockMemory must lie in 64 KiB...1 TiB, not be \(blockMemory)")
        try require((1...100).contains(maximumRestarts), "maximumRestarts must lie in 1...100")
    }
}
