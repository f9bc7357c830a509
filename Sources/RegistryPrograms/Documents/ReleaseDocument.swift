public import CommandSupport
public import ECLMCore
public import Registry

/// A release as `--output json` prints it.
public struct ReleaseDocument: Encodable {
    /// The model's name.
    public var model: String
    /// The number within the model.
    public var release: Int
    /// The release it was made from.
    public var parent: Int?
    /// What made it.
    public var origin: ReleaseOrigin
    /// The round that made it.
    public var round: Int?
    /// Why it was made.
    public var reason: String
    /// Whether a rollback took it out of service.
    public var withdrawn: Bool
    /// The channels that point to it.
    public var channels: [String]
    /// When it was made.
    public var createdAt: Timestamp
    /// By whom.
    public var createdBy: String

    /// The document of a record.
    public init(_ record: ReleaseRecord) {
        model = record.model
        release = record.number
        parent = record.parent
        origin = record.origin
        round = record.round
        reason = record.reason
        withdrawn = record.withdrawn
        channels = record.channels
        createdAt = Timestamp(record.createdAt)
        createdBy = record.createdBy
    }
}
