/// A method under comparison, or an ablation of ours, by the short name that tables use.
///
/// A struct and no enum: results of later versions may hold methods that this one does not know, and are still shown.
public struct MethodCode: RawRepresentable, Codable, Sendable, Hashable, CustomStringConvertible {
    /// The short name.
    public let rawValue: String

    /// A method by its short name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The short name.
    public var description: String { rawValue }

    /// No adaptation: the cloud's model as the proxy data made it.
    public static let noAdaptation = MethodCode(rawValue: "NA")
    /// Local fine-tuning of the cloud's model, without the cloud.
    public static let localAdaptation = MethodCode(rawValue: "LA")
    /// AdaptiveNet (MobiCom 2023): the best branch of a supernet for the device, then local fine-tuning.
    public static let adaptiveNet = MethodCode(rawValue: "AN")
    /// FedAvg: the global model.
    public static let fedAvg = MethodCode(rawValue: "FA")
    /// FedAvg, then local fine-tuning: the strong baseline that the paper's table lacks.
    public static let fedAvgFineTuned = MethodCode(rawValue: "FA+FT")
    /// HeteroFL (ICLR 2021), logits of all classes in local training.
    public static let heteroFL = MethodCode(rawValue: "HFL")
    /// HeteroFL with the logits of classes that a device lacks masked in local training.
    public static let heteroFLMasked = MethodCode(rawValue: "HFL masked")
    /// ``heteroFL``, then local fine-tuning.
    public static let heteroFLFineTuned = MethodCode(rawValue: "HFL+FT")
    /// ``heteroFLMasked``, then local fine-tuning.
    public static let heteroFLMaskedFineTuned = MethodCode(rawValue: "HFL masked+FT")
    /// Ours: sub-models by importance, trained locally, aggregated module by module.
    public static let ours = MethodCode(rawValue: "ours")
    /// Ours with every byte sent: full weights up, and down even what the device holds.
    public static let oursFullWeights = MethodCode(rawValue: "ours/full weights")
    /// Ours with modules published in half precision, half as large; still quantised deltas up, and modules held.
    public static let oursHalfPrecision = MethodCode(rawValue: "ours/half precision")
    /// Ours with random modules of the same size in place of the important ones.
    public static let oursRandomModules = MethodCode(rawValue: "ours/random modules")
    /// Ours on a prototype without the second offline stage.
    public static let oursNoAbilityEnhancing = MethodCode(rawValue: "ours/no ability enhancing")
    /// Ours without training on the device: the sub-model as the cloud gives it.
    public static let oursNoLocalTraining = MethodCode(rawValue: "ours/no local training")
    /// Ours without the cloud: the first sub-model, trained locally only.
    public static let oursNoCloud = MethodCode(rawValue: "ours/no cloud")

    /// All methods known here, in the order of tables and legends.
    public static let known: [MethodCode] = [
        noAdaptation, localAdaptation, adaptiveNet, fedAvg, fedAvgFineTuned, heteroFL, heteroFLMasked,
        heteroFLFineTuned, heteroFLMaskedFineTuned, ours, oursFullWeights, oursHalfPrecision, oursRandomModules,
        oursNoAbilityEnhancing, oursNoLocalTraining, oursNoCloud,
    ]

    /// Whether it is ours with weights exchanged in another way: it differs in bytes, hardly in accuracy.
    public var isExchangeVariant: Bool { self == .oursFullWeights || self == .oursHalfPrecision }

    /// Whether it is a variant of ours, and no method of its own.
    public var isAblation: Bool { rawValue.hasPrefix(Self.ours.rawValue + "/") }

    /// Reads the short name.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Writes the short name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
