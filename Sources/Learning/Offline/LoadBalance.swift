/// The load balance of noisy top-k gating: Shazeer et al., "Outrageously large neural networks" (2017), section 4 and
/// appendix A.
public enum LoadBalance {
    /// Added to squared means before they divide.
    static let epsilon: Float = 1e-10

    /// CV²(importance) + CV²(load) of one layer, a scalar.
    ///
    /// Importance is a module's sum of gates over the batch; load its expected number of examples, smooth through the
    /// noise. Without noise, or where every module is in the top k, the load says nothing and is left out.
    public static func loss(_ routing: LayerRouting, topK: Int) throws -> Tensor {
        let importance = try squaredVariation(routing.gates.sum(dimensions: [0], keep: false))
        guard let noisy = routing.noisyScores, let deviation = routing.noiseDeviation,
            topK < routing.scores.shape[1]
        else { return importance }
        return try importance
            + squaredVariation(
                load(scores: routing.scores, noisyScores: noisy, noiseDeviation: deviation, topK: topK))
    }

    /// The squared coefficient of variation of a vector: variance over squared mean.
    public static func squaredVariation(_ values: Tensor) throws -> Tensor {
        try values.variance(dimensions: [0], keep: false)
            / (values.mean(dimensions: [0], keep: false).squared() + epsilon)
    }

    /// The expected number of examples of each module, `[modules]`: Σ over examples of the probability that the module is
    /// in the top k, the noise of its own score drawn again and the others' kept (equation 8 to 10).
    ///
    /// - Parameters:
    ///   - scores: `[B, modules]`, without noise.
    ///   - noisyScores: With the noise that was drawn.
    ///   - noiseDeviation: The deviation of the noise, above 0.
    ///   - topK: Below the number of modules.
    public static func load(
        scores: Tensor, noisyScores: Tensor, noiseDeviation: Tensor, topK: Int
    ) throws -> Tensor {
        let top = try noisyScores.gathered(dimension: 1, indices: noisyScores.topIndices(topK + 1))
        // The k-th largest score among the others: where the module is in the top k, the (k+1)-th of all; else the k-th.
        let ifIn = try top.narrowed(dimension: 1, start: topK, length: 1)
        let ifOut = try top.narrowed(dimension: 1, start: topK - 1, length: 1)
        let isIn = try noisyScores.topMask(topK)
        let isOut = try 1 - isIn
        let probability =
            try ((scores - ifIn) / noiseDeviation).standardNormalCDF() * isIn
            + ((scores - ifOut) / noiseDeviation).standardNormalCDF() * isOut
        return try probability.sum(dimensions: [0], keep: false)
    }
}
