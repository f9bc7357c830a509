import ECLMCore

extension BlockPlan {
    /// The share of each module in the layer's weight norm; the shares add up to 1.
    ///
    /// A module's weight is the Frobenius norm of its part of the first map times that of its part of the second: a bound
    /// on what the module can add to the output. The first map of a convolutional block counts with its normalisation
    /// folded in. A layer of zeros is shared out equally.
    func importances(_ ranges: [Range<Int>], _ rule: DecompositionSpecification.Importance) throws(DecompositionError)
        -> [Double]
    {
        let equal = [Double](repeating: 1 / Double(ranges.count), count: ranges.count)
        guard rule == .norm else { return equal }
        var up = try energies(inner[0])
        let down = try energies(inner[1])
        if case .conv(let block) = layer.block {
            let scales = try floats("norm.weight")
            let variances = try floats("norm.running_var")
            for channel in 0..<width {
                let variance = Double(variances[channel]) + block.norm.epsilon
                guard variance > 0 else {
                    throw DecompositionError(
                        .nonFinite,
                        "layer \(layer.name.debugDescription): the variance of inner channel \(channel) plus eps is "
                            + "\(variance), not above 0")
                }
                up[channel] *= Double(scales[channel]) * Double(scales[channel]) / variance
            }
        }
        let weights = ranges.map { range in
            (up[range].reduce(0, +) * down[range].reduce(0, +)).squareRoot()
        }
        let total = weights.reduce(0, +)
        guard total > 0, total.isFinite else { return equal }
        return weights.map { $0 / total }
    }

    private func energies(_ part: Inner) throws(DecompositionError) -> [Double] {
        AxisStrides(shape: part.tensor.shape, axis: part.axis).sumsOfSquares(try floats(part.name))
    }

    func floats(_ name: String) throws(DecompositionError) -> [Float] {
        guard let part = inner.first(where: { $0.name == name }) else { return [] }
        do throws(SafetensorsError) {
            return try part.tensor.floats()
        } catch {
            throw DecompositionError(.wrongShape, error.message, cause: error)
        }
    }
}
