import ECLMCore

/// Ours, and what it is without one of its parts.
enum ModularVariant: CaseIterable, Sendable {
    /// The method.
    case whole
    /// Weights sent in full, both ways.
    case fullWeights
    /// Modules published in half precision.
    case halfPrecision
    /// Random modules in place of important ones.
    case randomModules
    /// The prototype after its first stage, trained for as many epochs as with the second.
    case noAbilityEnhancing
    /// The prototype's best sub-model as it is: devices train nothing, so there are no rounds.
    case noLocalTraining
    /// The prototype's best sub-model, fine-tuned: devices send nothing.
    case noCloud

    /// The variant behind a method's code.
    init?(method: MethodCode) {
        guard let variant = Self.allCases.first(where: { $0.code == method }) else { return nil }
        self = variant
    }

    /// The method's code.
    var code: MethodCode {
        switch self {
        case .whole: .ours
        case .fullWeights: .oursFullWeights
        case .halfPrecision: .oursHalfPrecision
        case .randomModules: .oursRandomModules
        case .noAbilityEnhancing: .oursNoAbilityEnhancing
        case .noLocalTraining: .oursNoLocalTraining
        case .noCloud: .oursNoCloud
        }
    }

    /// Whether devices train in rounds.
    var hasRounds: Bool { self != .noLocalTraining && self != .noCloud }
    /// Whether devices fine-tune what they end up with.
    var finetunes: Bool { self != .noLocalTraining }
    /// The prototype that it starts with.
    var prototype: Artifacts.Kind { .prototype(enhanced: self != .noAbilityEnhancing) }

    /// What its modules are published in.
    var dtype: ElementType { self == .halfPrecision ? .f16 : .f32 }

    /// How it exchanges weights.
    func exchange(_ settings: CloudSettings) -> CloudSettings {
        self == .fullWeights
            ? CloudSettings(encoding: "full", fraction: settings.fraction, holdsModules: false) : settings
    }
}
