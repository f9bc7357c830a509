public import ECLMCore
public import Foundation
import PostgreSQL

/// A model as the registry knows it.
public struct ModelRecord: Sendable, Hashable, Codable {
    /// The row's identity.
    public var modelID: ModelID
    /// The name, unique in the registry.
    public var name: String
    /// What the model does.
    public var summary: String
    /// When it was first published.
    public var createdAt: Date
    /// Who published it first.
    public var createdBy: String
    /// The module layers, in order.
    public var layers: [LayerRecord]
    /// Number of modules, shared ones included.
    public var modules: Int
    /// The newest release's number; `nil` before the first.
    public var newestRelease: Int?
    /// Where the channels point, by name.
    public var channels: [ChannelPointer]
}

/// A module layer of a model.
public struct LayerRecord: Sendable, Hashable, Codable {
    /// The layer's number, from 0.
    public var layer: Int
    /// The decomposed block's name.
    public var name: String
    /// The block's form.
    public var block: String
    /// How many modules it holds.
    public var modules: Int
}

/// A channel and the number of the release it points to.
public struct ChannelPointer: Sendable, Hashable, Codable {
    /// The channel's name.
    public var channel: String
    /// The release's number.
    public var release: Int

    public init(channel: String, release: Int) {
        self.channel = channel
        self.release = release
    }
}
