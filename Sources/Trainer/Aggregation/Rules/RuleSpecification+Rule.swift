import Registry

extension RuleSpecification {
    /// The rule that the specification names.
    ///
    /// - Throws: ``TrainerError`` with `registryUnfit` for a rule that this trainer does not have.
    func rule(trainsSelector: Bool) throws(TrainerError) -> any AggregationRule {
        func whole(_ name: String) -> Int { Int(value(name) ?? 0) }
        switch kind.name {
        case "importance_mean": return try discounted(ImportanceWeightedMean(trainsSelector: trainsSelector))
        case "sample_mean": return try discounted(SampleWeightedMean(trainsSelector: trainsSelector))
        case "median": return CoordinateMedian(trainsSelector: trainsSelector)
        case "trimmed_mean":
            return try TrimmedMean(fraction: value("fraction") ?? 0, trainsSelector: trainsSelector)
        case "krum": return try Krum(faulty: whole("f"), trainsSelector: trainsSelector)
        case "multi_krum":
            return try Krum(faulty: whole("f"), selected: whole("m"), trainsSelector: trainsSelector)
        case "geometric_median":
            return try GeometricMedian(
                tolerance: value("tolerance") ?? 1e-6, iterations: whole("iterations"), trainsSelector: trainsSelector)
        case "private_mean": return PrivateMean(trainsSelector: trainsSelector)
        default:
            throw TrainerError(
                .registryUnfit, "this trainer has no rule \(kind.name); update it, or set another policy")
        }
    }

    private func discounted(_ mean: any AggregationRule) throws(TrainerError) -> any AggregationRule {
        guard let exponent = value(RuleSpecification.staleness.name), exponent > 0 else { return mean }
        return try StalenessDiscount(mean, exponent: exponent)
    }
}
