import ECLMCore

/// The modules that a device gets whose sub-model may have a share of the full model's parameters.
///
/// As composition does it, the parts that every sub-model has are charged first, then each layer has its best module
/// (paper section 2, sub-model derivation). What is left goes to the modules with the largest importance a parameter, as
/// long as they fit: nearly what the exact search of the registry finds, at no cost, many times in training.
public struct SizeCap: Sendable {
    /// Parameters of stem, head and selector.
    private let shared: Int
    /// Parameters of the full model.
    private let full: Int
    /// Parameters of each module, by layer and index; the residual module is the last.
    private let modules: [[Int]]

    /// The sizes of a full network.
    ///
    /// - Throws: ``LearningError`` with `unavailable` when weights cannot be read.
    public init(_ network: ModularNetwork) throws {
        let specification = network.specification
        modules = try specification.layers.enumerated().map { layer, choices in
            try (0..<choices.choices).map { index in
                try network.tensors(of: specification.slot(layer: layer, module: index)).parameterCount
            }
        }
        shared = try network.slots.filter { $0.layer == nil }.reduce(0) {
            $0 + (try network.tensors(of: $1)).parameterCount
        }
        full = shared + modules.reduce(0) { $0 + $1.reduce(0, +) }
    }

    /// The modules of a sub-model within a cap, ascending, for each layer.
    ///
    /// A cap too small for a module in each layer gives just those: the smallest sub-model that there is.
    ///
    /// - Parameters:
    ///   - share: Of the full model's parameters, above 0 and at most 1.
    ///   - importances: Of all modules of each layer.
    public func modules(share: Double, importances: [[Double]]) -> [[Int]] {
        var chosen = importances.map { importances in
            [importances.indices.max { (importances[$0], $1) < (importances[$1], $0) } ?? 0]
        }
        var left = Int((share * Double(full)).rounded(.down)) - shared
        for (layer, best) in chosen.enumerated() { left -= modules[layer][best[0]] }
        let others = importances.indices.flatMap { layer in
            importances[layer].indices.filter { $0 != chosen[layer][0] }.map { (layer: layer, index: $0) }
        }
        func density(_ module: (layer: Int, index: Int)) -> Double {
            importances[module.layer][module.index] / Double(max(1, modules[module.layer][module.index]))
        }
        for module in others.sorted(by: { (density($0), $1.layer, $1.index) > (density($1), $0.layer, $0.index) })
        where modules[module.layer][module.index] <= left {
            left -= modules[module.layer][module.index]
            chosen[module.layer].append(module.index)
        }
        return chosen.map { $0.sorted() }
    }
}
