public import ECLMCore

/// A modular network, whole or a sub-model: stem, the present modules of each layer, head and selector.
///
/// The present modules of a layer are computed as one block (`ModuleLayer`), so dense networks (all gates 1), nested
/// slices of one (the first n modules) and sub-models are the same code. Not `Sendable`: a network stays in one isolation.
public final class ModularNetwork {
    /// How the present modules of a layer are weighed.
    public enum Gating: Hashable, Sendable {
        /// By the selector: softmax over the top k of the present modules, so that gates sum to 1.
        case selector
        /// Each present module by this factor, whatever the input: a dense network has 1.
        case unit(Float)
    }

    /// What the network is.
    public let specification: NetworkSpecification
    /// The shapes in it.
    public let geometry: NetworkGeometry
    /// The present modules of each layer, ascending; N is the residual module.
    public let modules: [[Int]]
    /// How modules are weighed.
    public let gating: Gating
    public let selector: Selector
    let layers: [ModuleLayer]
    let shared: SharedPart
    let head: [(name: String, tensor: Tensor)]

    /// A whole network with random weights.
    ///
    /// - Throws: ``LearningError`` with `specification` when it does not fit together.
    public convenience init(
        _ specification: NetworkSpecification, seed: UInt64, gating: Gating = .selector
    ) throws {
        try self.init(specification, modules: specification.layers.map { Array(0..<$0.choices) }, gating: gating)
        try selector.initialize(seed: seed)
        try initialize(seed: seed)
    }

    /// A network of the given modules, from their weights.
    ///
    /// - Throws: ``LearningError`` with `specification` when modules or weights are not this specification's, and what
    ///   `weights` throws.
    public convenience init(
        _ specification: NetworkSpecification, modules: [[Int]], gating: Gating = .selector,
        weights: (ModuleSlot) throws -> ModuleTensors
    ) throws {
        try self.init(specification, modules: modules, gating: gating)
        for slot in slots { try load(weights(slot), into: slot) }
    }

    /// A network whose weights are all at their constants.
    init(_ specification: NetworkSpecification, modules: [[Int]], gating: Gating) throws {
        let geometry = try specification.geometry()
        try Self.check(modules, against: specification)
        self.specification = specification
        self.geometry = geometry
        self.modules = modules
        self.gating = gating
        selector = try Selector(specification, geometry: geometry)
        layers = try specification.layers.indices.map {
            try ModuleLayer(
                specification.layers[$0], input: geometry.input(of: $0), output: geometry.layers[$0],
                modules: modules[$0])
        }
        shared = try SharedPart(specification, geometry)
        head = [
            ("weight", try Tensor.zeros([specification.classes, geometry.head]).requireGradient()),
            ("bias", try Tensor.zeros([specification.classes]).requireGradient()),
        ]
    }

    /// Some modules of another network, not copied: what is computed here has its gradients there.
    init(viewing network: ModularNetwork, modules: [[Int]]) throws {
        try Self.check(modules, against: network.specification)
        specification = network.specification
        geometry = network.geometry
        self.modules = modules
        gating = network.gating
        selector = network.selector
        shared = network.shared
        head = network.head
        layers = try zip(network.layers, modules).map { try $0.view(of: $1) }
    }

    private static func check(_ modules: [[Int]], against specification: NetworkSpecification) throws {
        guard modules.count == specification.layers.count else {
            throw LearningError(
                .specification,
                "modules are given for \(modules.count) layers; \(specification.model) has \(specification.layers.count)"
            )
        }
        for (layer, present) in zip(specification.layers, modules) {
            guard let last = present.last, zip(present, present.dropFirst()).allSatisfy(<), present[0] >= 0 else {
                throw LearningError(
                    .specification,
                    "layer \(layer.name): the modules \(present) must be at least one, ascending, each once")
            }
            guard last < layer.choices else {
                throw LearningError(
                    .specification, "layer \(layer.name) has the modules 0 to \(layer.choices - 1), not \(last)")
            }
        }
    }

    /// The parameters in a fixed order: stem, layers, head, selector.
    public var parameters: [Parameter] {
        shared.named.map { Parameter(name: $0.name, part: .stem, tensor: $0.tensor) }
            + layers.enumerated().flatMap { number, layer in
                layer.parameters.map {
                    Parameter(name: "layers.\(number).\($0.name)", part: .layer(number), tensor: $0.tensor)
                }
            }
            + head.map { Parameter(name: "head.\($0.name)", part: .head, tensor: $0.tensor) }
            + selector.parameters
    }

    /// The number of weights, without the selector's.
    public var parameterCount: Int {
        parameters.filter { $0.part != .selector }.reduce(0) { $0 + $1.tensor.count }
    }

    private func initialize(seed: UInt64) throws {
        let initialization = Initialization(seed: seed)
        func fill(_ name: String, _ tensor: Tensor, deviation: Double) throws {
            try tensor.assign(
                Tensor(initialization.normal(name, count: tensor.count, deviation: deviation), shape: tensor.shape))
        }
        func fanIn(_ shape: [Int]) -> Double { Double(shape.dropFirst().reduce(1, *)) }
        for (name, tensor) in shared.named where !name.hasSuffix("norm.weight") && !name.hasSuffix("norm.bias") {
            try fill(name, tensor, deviation: (2 / fanIn(tensor.shape)).squareRoot())
        }
        try fill("head", head[0].tensor, deviation: (1 / fanIn(head[0].tensor.shape)).squareRoot())
        for (number, layer) in layers.enumerated() {
            for module in modules[number] {
                var tensors = try layer.tensors(of: module)
                for (position, entry) in tensors.entries.enumerated()
                where ["w1", "w2", "weight"].contains(entry.name) {
                    // The second half sums over all modules of the layer.
                    let inputs = fanIn(entry.shape) * (entry.name == "w2" ? Double(layer.specification.modules) : 1)
                    let gain = entry.name == "weight" ? 1.0 : 2.0
                    tensors.entries[position].values = initialization.normal(
                        "layers.\(number).\(module).\(entry.name)", count: entry.values.count,
                        deviation: (gain / inputs).squareRoot())
                }
                try layer.load(tensors, into: module)
            }
        }
    }
}
