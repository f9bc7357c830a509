import ECLMCore
import Learning

/// The weights of a network as values, which threads can share and networks be made of.
struct NetworkWeights: Sendable {
    /// The modules of each layer that are there, ascending.
    var modules: [[Int]]
    /// The weights of every part.
    var tensors: [ModuleSlot: ModuleTensors]

    /// The weights of a network.
    init(of network: ModularNetwork) throws {
        modules = network.modules
        tensors = [:]
        for slot in network.slots { tensors[slot] = try network.tensors(of: slot).sorted }
    }

    init(modules: [[Int]], tensors: [ModuleSlot: ModuleTensors]) {
        self.modules = modules
        self.tensors = tensors
    }

    /// The weights of one part.
    ///
    /// - Throws: ``ExperimentError`` with `aggregation` where it is not there.
    func part(_ slot: ModuleSlot) throws -> ModuleTensors {
        guard let part = tensors[slot] else {
            throw ExperimentError(.aggregation, "there are no weights of \(slot.defaultName)")
        }
        return part
    }

    /// A network of some modules, by default of all that are here.
    func network(
        _ specification: NetworkSpecification, modules: [[Int]]? = nil, gating: ModularNetwork.Gating
    ) throws -> ModularNetwork {
        try ModularNetwork(specification, modules: modules ?? self.modules, gating: gating) { try part($0) }
    }

    /// Puts the weights into a network of these modules, or of some of them.
    func load(into network: ModularNetwork) throws {
        for slot in network.slots { try network.load(part(slot), into: slot) }
    }

    /// One safetensors file of everything.
    func file() throws -> [UInt8] {
        var entries: [ModuleTensors.Entry] = []
        for (slot, part) in tensors.sorted(by: { $0.key < $1.key }) {
            entries += part.entries.map {
                .init(name: "\(slot.defaultName)/\($0.name)", shape: $0.shape, values: $0.values)
            }
        }
        return try ModuleTensors(entries).safetensors()
    }

    /// The weights in a file that ``file()`` made.
    ///
    /// - Parameter slots: The parts that the file holds.
    init(file bytes: [UInt8], modules: [[Int]], slots: [ModuleSlot]) throws {
        let names = Dictionary(uniqueKeysWithValues: slots.map { ($0.defaultName, $0) })
        var tensors = Dictionary(uniqueKeysWithValues: slots.map { ($0, ModuleTensors()) })
        for entry in try ModuleTensors(safetensors: bytes).entries {
            let parts = entry.name.split(separator: "/", maxSplits: 1)
            guard parts.count == 2, let slot = names[String(parts[0])] else {
                throw ExperimentError(
                    .storage, "the weights \(entry.name) belong to no part of the network; delete the work directory")
            }
            tensors[slot]?.entries.append(
                .init(name: String(parts[1]), shape: entry.shape, values: entry.values))
        }
        self.modules = modules
        self.tensors = tensors.mapValues(\.sorted)
    }
}

extension ModuleTensors {
    /// The tensors by name: a network and a file have them in orders of their own, and means go tensor by tensor.
    fileprivate var sorted: ModuleTensors { ModuleTensors(entries.sorted { ExactText($0.name) < ExactText($1.name) }) }
}

extension NetworkSpecification {
    /// The first modules of every layer, without the residual module.
    func prefix(_ counts: [Int]) -> [[Int]] { counts.map { Array(0..<$0) } }
    /// All shrunk modules of every layer, without the residual module: the dense net.
    var denseModules: [[Int]] { prefix(layers.map(\.modules)) }
    /// All modules of every layer.
    var allModules: [[Int]] { layers.map { Array(0..<$0.choices) } }
}
