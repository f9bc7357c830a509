public import ECLMCore
internal import RegistryProtocol

/// A model as the registry tells of it.
public struct RegistryModel: Hashable, Sendable {
    public var name: String
    /// What the model does.
    public var summary: String
    /// The module layers, in order.
    public var layers: [ModelManifest.Layer]
    /// The number of the release that each channel points to.
    public var channels: [String: Int32]

    init(_ model: Wire.Model) throws(MappingError) {
        guard NameRule.model.allows(model.name) else {
            throw MappingError("\(model.name.debugDescription) is no model's name")
        }
        name = model.name
        summary = model.summary
        layers = model.layers.sorted { $0.layer < $1.layer }.map { .init(name: $0.name, block: $0.block) }
        channels = Dictionary(model.channels.map { ($0.channel, $0.release) }) { first, _ in first }
    }
}
