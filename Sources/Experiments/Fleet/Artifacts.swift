import ECLMCore
import Learning

/// What the cloud trains on proxy data before any device takes part; made once a row and seed, and shared by methods.
struct Artifacts: Sendable {
    /// One of them.
    enum Kind: Hashable, Sendable {
        /// A dense net with the first so many modules of every layer.
        case dense([Int])
        /// A dense net whose every prefix is trained as a net of its own.
        case nested
        /// The same with batch normalisation and HeteroFL's scaler.
        case nestedForHeteroFL
        /// The modular network, with or without the second offline stage.
        case prototype(enhanced: Bool)

        /// A name for files.
        var name: String {
            switch self {
            case .dense(let counts): "dense-" + counts.map(String.init).joined(separator: "-")
            case .nested: "nested"
            case .nestedForHeteroFL: "nested-heterofl"
            case .prototype(let enhanced): enhanced ? "prototype" : "prototype-stage-1"
            }
        }

        /// The modules of every layer that it holds.
        func modules(of network: NetworkSpecification) -> [[Int]] {
            switch self {
            case .dense(let counts): network.prefix(counts)
            case .nested, .nestedForHeteroFL: network.denseModules
            case .prototype: network.allModules
            }
        }
    }

    private let weights: [Kind: NetworkWeights]

    init(_ weights: [Kind: NetworkWeights]) { self.weights = weights }

    /// The weights of one.
    ///
    /// - Throws: ``ExperimentError`` with `settings` where the runner did not make it.
    subscript(kind: Kind) -> NetworkWeights {
        get throws {
            guard let weights = weights[kind] else {
                throw ExperimentError(.settings, "the cloud has trained no \(kind.name)")
            }
            return weights
        }
    }
}
