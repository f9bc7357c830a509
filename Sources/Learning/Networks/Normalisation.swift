/// How a network normalises.
public enum Normalisation {
    /// GroupNorm: each module's inner channels on their own, and a layer's sum as one group. No state, and the same in a
    /// sub-model as in the whole network.
    case group
    /// Batch normalisation, with the batch's statistics or fixed ones: HeteroFL's static normalisation (Diao et al. 2021).
    case batch(BatchStatistics)
}

/// The means and variances of one network's norms, gathered after training (HeteroFL's static batch normalisation).
public final class BatchStatistics {
    /// What the norms use.
    public enum Mode {
        /// The statistics of the batch at hand; nothing is kept. For training.
        case current
        /// Those of the batch at hand, and they are gathered.
        case gathering
        /// The mean of the gathered ones.
        case fixed
    }

    /// What the norms use.
    public var mode: Mode
    private var sums: [(mean: Tensor, variance: Tensor, batches: Float)] = []

    /// No statistics yet.
    public init(mode: Mode = .current) { self.mode = mode }

    /// Forgets what was gathered.
    public func reset() { sums = [] }

    func normalise(_ x: Tensor, site: Int, weight: Tensor?, bias: Tensor?) throws -> Tensor {
        guard mode != .current else {
            return try x.batchNorm(weight: weight, bias: bias, mean: nil, variance: nil, epsilon: Normaliser.epsilon)
        }
        if mode == .gathering {
            let others = [0] + Array(2..<max(2, x.shape.count))
            let mean = try x.mean(dimensions: others, keep: false)
            let variance = try x.variance(dimensions: others, keep: false)
            if site < sums.count {
                sums[site].mean = try sums[site].mean + mean
                sums[site].variance = try sums[site].variance + variance
                sums[site].batches += 1
            } else {
                sums.append((mean, variance, 1))
            }
            return try x.batchNorm(weight: weight, bias: bias, mean: nil, variance: nil, epsilon: Normaliser.epsilon)
        }
        guard site < sums.count else {
            throw LearningError(
                .tensor, "no batch statistics were gathered for norm \(site); gather them before they are fixed")
        }
        let (mean, variance, batches) = sums[site]
        return try x.batchNorm(
            weight: weight, bias: bias, mean: mean / batches, variance: variance / batches, epsilon: Normaliser.epsilon)
    }
}

/// Normalises at one site after the other of one forward pass.
final class Normaliser {
    static let epsilon = 1e-5
    private let kind: Normalisation
    private var site = 0

    init(_ kind: Normalisation) { self.kind = kind }

    func callAsFunction(_ x: Tensor, groups: Int, weight: Tensor?, bias: Tensor?) throws -> Tensor {
        defer { site += 1 }
        switch kind {
        case .group: return try x.groupNorm(groups: groups, weight: weight, bias: bias, epsilon: Self.epsilon)
        case .batch(let statistics): return try statistics.normalise(x, site: site, weight: weight, bias: bias)
        }
    }
}
