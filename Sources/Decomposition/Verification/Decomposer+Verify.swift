public import ECLMCore

/// How one layer's modules compare with the dense block.
public struct BlockVerification: Sendable, Hashable {
    /// The layer's name.
    public var layer: String
    /// The modules that were summed.
    public var modules: Int
    /// The largest absolute difference between an output of the dense block and of the modules' sum.
    public var maximumDifference: Float
    /// The largest absolute output of the dense block, to judge the difference by.
    public var maximumOutput: Float

    /// Whether the difference is within `tolerance` of the largest output, or of 1 where outputs are smaller.
    public func holds(within tolerance: Float) -> Bool {
        maximumDifference.isFinite && maximumDifference <= tolerance * Swift.max(1, maximumOutput)
    }
}

extension Decomposer {
    /// Computes every block on random input, dense from the checkpoint and as the sum of the modules' blobs.
    ///
    /// - Parameters:
    ///   - checkpoint: The dense model.
    ///   - tokens: Positions of random input for a feed-forward block; a convolution gets one small image.
    ///   - seed: Of the input, standard normal; the same seed gives the same input.
    /// - Returns: One comparison a layer.
    /// - Throws: ``DecompositionError`` when the checkpoint does not fit the specification.
    public func verify(
        _ checkpoint: SafetensorsFile, tokens: Int = 4, seed: UInt64 = 1
    ) throws(DecompositionError) -> [BlockVerification] {
        let plan = try DecompositionPlan(specification, checkpoint)
        var generator = SplitMix64(seed: seed)
        var results: [BlockVerification] = []
        for (position, layer) in specification.layers.enumerated() {
            var modules: [SafetensorsFile] = []
            for module in plan.modules where module.slot.layer == position && module.slot.kind == .expert {
                let blob = try module.blob()
                do throws(SafetensorsError) {
                    modules.append(try SafetensorsFile(bytes: blob.bytes))
                } catch {
                    throw DecompositionError(
                        .invalidModule, "module \(module.slot.defaultName) cannot be read back: \(error.message)",
                        cause: error)
                }
            }
            let dense = try ReferenceBlock(dense: layer, of: checkpoint)
            let sum = try ReferenceBlock(sumOf: modules, of: layer, outer: checkpoint)
            let extent = plan.blocks[position].verificationExtent(tokens: tokens)
            let input = (0..<dense.inputs * extent.positions).map { _ in Float(generator.normal()) }
            let wanted = dense.evaluate(input, extent: extent)
            let found = sum.evaluate(input, extent: extent)
            precondition(wanted.count == found.count, "the sum of modules has another shape than the block")
            // Not `max`, which would pass over NaN.
            let differences = zip(wanted, found).map { abs($0 - $1) }
            let hasNaN = differences.contains(where: \.isNaN)
            results.append(
                BlockVerification(
                    layer: layer.name, modules: modules.count,
                    maximumDifference: hasNaN ? .nan : differences.max() ?? 0,
                    maximumOutput: wanted.map(abs).max() ?? 0))
        }
        return results
    }
}

extension InputExtent {
    /// Tokens, or the pixels of an image.
    fileprivate var positions: Int { height.map { $0 * (width ?? 1) } ?? tokens }
}

extension BlockPlan {
    /// The smallest image from 16 x 16 on that the kernels fit into, and no larger than the layer's own; else tokens.
    fileprivate func verificationExtent(tokens: Int) -> InputExtent {
        guard case .conv(let block) = layer.block, let height = layer.input.height, let width = layer.input.width else {
            return InputExtent(tokens: tokens)
        }
        var side = 16
        while side < Swift.max(height, width) {
            if let between = block.conv1.outputExtent(
                (Swift.min(side, height), Swift.min(side, width)), kernel: inner[0].tensor.shape),
                block.conv2.outputExtent(between, kernel: inner[1].tensor.shape) != nil
            {
                break
            }
            side *= 2
        }
        return InputExtent(height: Swift.min(side, height), width: Swift.min(side, width))
    }
}
