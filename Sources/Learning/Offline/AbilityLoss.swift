import Foundation

/// Draws gates towards the target of ability enhancing: KL(P[t(x)] ‖ g), a mean over batch and layers.
///
/// The paper writes KL(g, P). With P as the first distribution the divergence is finite though P has zeros, and its
/// gradient reaches modules outside the top k. g is the softmax over the shrunk modules' scores, without noise and
/// without the residual module, which P does not speak of.
public struct AbilityLoss {
    private let targets: [Tensor]
    private let entropies: [Tensor]
    private let modules: [Int]

    /// A loss from the masks of all layers.
    ///
    /// - Throws: ``LearningError`` with `tensor` when there is no memory.
    public init(_ masks: [AbilityMask]) throws {
        modules = masks.map { $0.target.first?.count ?? 0 }
        targets = try zip(masks, modules).map { mask, modules in
            try Tensor(mask.target.flatMap { $0.map { Float($0) } }, shape: [mask.target.count, modules])
        }
        entropies = try masks.map { mask in
            try Tensor(
                mask.target.map { row in Float(row.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }) },
                shape: [mask.target.count])
        }
    }

    /// The divergence of a batch, a scalar.
    ///
    /// - Parameters:
    ///   - scores: The selector's scores of all modules, `[B, choices]` a layer.
    ///   - subTasks: The sub-task of each example of the batch.
    public func callAsFunction(scores: [Tensor], subTasks: [Int]) throws -> Tensor {
        var sum: Tensor?
        for (layer, scores) in scores.enumerated() {
            let experts = try scores.narrowed(dimension: 1, start: 0, length: modules[layer])
            let target = try targets[layer].selected(dimension: 0, indices: subTasks)
            let crossEntropy = try -(target * experts.logSoftmax(dimension: 1)).sum(dimensions: [1], keep: false)
            let entropy = try entropies[layer].selected(dimension: 0, indices: subTasks)
            let divergence = try (crossEntropy + entropy).mean()
            sum = try sum.map { try $0 + divergence } ?? divergence
        }
        guard let sum else { return try Tensor.zeros([]) }
        return try sum / Float(scores.count)
    }
}
