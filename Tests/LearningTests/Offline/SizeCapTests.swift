import ECLMCore
import Learning
import Testing

@Suite("A size cap")
struct SizeCapTests {
    private let specification = NetworkSpecification.speech

    private func importances(seed: UInt64) -> [[Double]] {
        var generator = SplitMix64(seed: seed)
        return specification.layers.map { layer in
            let row = (0..<layer.choices).map { _ in generator.uniform() }
            return row.map { $0 / row.reduce(0, +) }
        }
    }

    private func size(_ network: ModularNetwork, _ slots: [ModuleSlot]) throws -> Double {
        try Double(slots.reduce(0) { $0 + (try network.tensors(of: $1)).parameterCount })
    }

    @Test("charges stem, head and selector, and is used up to less than a module", arguments: [0.25, 0.4, 0.7])
    func charged(share: Double) throws {
        let network = try ModularNetwork(specification, seed: 1)
        let modules = try SizeCap(network).modules(share: share, importances: importances(seed: 2))
        let size = try size(network, network.view(modules).slots)
        let cap = try share * self.size(network, network.slots)
        #expect(size <= cap)
        #expect(try size > cap - self.size(network, [network.slot(layer: 0, module: 0)]))
    }

    @Test("of the whole model leaves nothing out")
    func whole() throws {
        let network = try ModularNetwork(specification, seed: 1)
        #expect(try SizeCap(network).modules(share: 1, importances: importances(seed: 3)) == network.modules)
    }

    @Test("too small for anything gives each layer its best module alone")
    func smallest() throws {
        let network = try ModularNetwork(specification, seed: 1)
        let importances = importances(seed: 4)
        let modules = try SizeCap(network).modules(share: 0.01, importances: importances)
        #expect(modules.map(\.count) == [1, 1, 1])
        for (layer, chosen) in modules.enumerated() {
            #expect(importances[layer].max() == importances[layer][chosen[0]])
        }
    }

    @Test("gives nearly the importance of the best choice", arguments: 1...5 as ClosedRange<UInt64>)
    func nearlyBest(seed: UInt64) throws {
        let network = try ModularNetwork(specification, seed: 1)
        let importances = importances(seed: seed)
        let modules = try SizeCap(network).modules(share: 0.4, importances: importances)
        let given = modules.enumerated().flatMap { layer, chosen in chosen.map { importances[layer][$0] } }.reduce(0, +)

        // No choice is worth more than one that may take a part of a module (Dantzig 1957).
        var left = try 0.4 * size(network, network.slots) - size(network, [.stem, .head, .selector])
        let modulesBySize = try network.slots.filter { $0.layer != nil }.map { slot in
            (worth: importances[slot.layer ?? 0][slot.index], size: try size(network, [slot]))
        }
        var bound = 0.0
        for module in modulesBySize.sorted(by: { $0.worth / $0.size > $1.worth / $1.size }) {
            bound += module.worth * min(1, left / module.size)
            left -= min(left, module.size)
        }
        #expect(given <= bound + 1e-9)
        #expect(given >= 0.93 * bound)
    }
}
