/// The mean of clipped updates with Gaussian noise, which keeps the devices of a round private: the engine follows it for
/// whole updates and not module by module.
public struct PrivateMean: AggregationRule {
    public static let definition = MethodDefinition(
        "private_mean", "the mean of clipped updates with Gaussian noise (differential privacy of devices)",
        [noiseMultiplier, updateNorm, delta, epsilonLimit])
    public static let isPrivate = true

    private static let noiseMultiplier = Parameter(
        "noise_multiplier", 0.01...1_000_000, required: true,
        "standard deviation of the noise on the sum of the updates, as a multiple of clip_norm")
    private static let updateNorm = Parameter(
        "clip_norm", 1e-12...1e12, required: true,
        "scales each update's difference, all its modules together, down to this norm")
    private static let delta = Parameter(
        "delta", 1e-300...0.5, required: true, "what epsilon is told for; well below one over the number of devices")
    private static let epsilonLimit = Parameter(
        "epsilon_limit", 1e-6...1e6, "quarantines updates of devices that would go beyond this epsilon")

    private let mechanism: PrivacyMechanism

    public init(_ values: ParameterValues) {
        mechanism = PrivacyMechanism(
            clipNorm: values.number(Self.updateNorm), noiseMultiplier: values.number(Self.noiseMultiplier),
            delta: values.number(Self.delta), epsilonLimit: values[Self.epsilonLimit.name])
    }

    /// Clipped over all modules of an update.
    public var method: AggregationMethod { .wholeUpdates(mechanism) }
}
