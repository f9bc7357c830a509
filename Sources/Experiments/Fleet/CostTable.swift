import Core
import Learning

/// What the parts of a network cost, and which nets fit a share of it.
///
/// A cap is a share of the full model in both its size and the memory that training it takes; the full model has all
/// modules, and the selector.
struct CostTable: Sendable {
    /// The network.
    let network: NetworkSpecification
    /// The costs of every module.
    let costs: [ModuleSlot: ModuleCosts]

    /// A limit on a net.
    struct Cap: Sendable, Hashable {
        /// Peak memory of training, in bytes.
        var memory: Int64
        /// Size of the weights, in bytes.
        var bytes: Int64
    }

    /// The cost of the whole.
    var full: Cap { total(of: costs.keys) }

    /// The cap at a share of the full model, over 0 and at most 1.
    func cap(share: Double) -> Cap {
        let full = full
        func part(_ value: Int64) -> Int64 { share >= 1 ? value : Int64(Double(value) * share) }
        return Cap(memory: part(full.memory), bytes: part(full.bytes))
    }

    func total(of slots: some Sequence<ModuleSlot>) -> Cap {
        slots.reduce(into: Cap(memory: 0, bytes: 0)) { sum, slot in
            sum.memory += costs[slot]?.peakMemory ?? 0
            sum.bytes += costs[slot]?.bytes ?? 0
        }
    }

    /// Parameters of some parts.
    func parameters(of slots: some Sequence<ModuleSlot>) -> Int64 {
        slots.reduce(0) { $0 + (costs[$1]?.parameters ?? 0) }
    }

    /// The parts of a dense net with the first `counts` modules of every layer: stem, head, modules; no selector.
    func denseSlots(_ counts: [Int]) -> [ModuleSlot] {
        var slots = costs.keys.filter { $0.kind == .stem || $0.kind == .head }
        for (layer, count) in counts.enumerated() {
            slots += (0..<count).map { ModuleSlot(kind: .expert, layer: layer, index: $0) }
        }
        return slots.sorted()
    }

    /// Whether a dense net fits a cap.
    func fits(_ counts: [Int], in cap: Cap) -> Bool {
        let needed = total(of: denseSlots(counts))
        return needed.memory <= cap.memory && needed.bytes <= cap.bytes
    }

    /// The largest dense net within a share: layers grow in turn, the one that is relatively smallest first.
    ///
    /// - Throws: ``ExperimentError`` with `budget` where not even one module a layer fits.
    func denseCounts(share: Double) throws -> [Int] {
        let cap = cap(share: share)
        let sizes = network.layers.map(\.modules)
        var counts = sizes.map { _ in 1 }
        guard fits(counts, in: cap) else { throw tooSmall(share, denseSlots(counts)) }
        var open = Set(sizes.indices.filter { sizes[$0] > 1 })
        while let layer = open.min(by: {
            (counts[$0] * sizes[$1], $0) < (counts[$1] * sizes[$0], $1)
        }) {
            counts[layer] += 1
            if !fits(counts, in: cap) {
                counts[layer] -= 1
                open.remove(layer)
            } else if counts[layer] == sizes[layer] {
                open.remove(layer)
            }
        }
        return counts
    }

    /// The error for a share that is too small.
    func tooSmall(_ share: Double, _ slots: [ModuleSlot]) -> ExperimentError {
        let (cap, needed) = (cap(share: share), total(of: slots))
        let (memory, bytes) = (Double(needed.memory) / Double(full.memory), Double(needed.bytes) / Double(full.bytes))
        return ExperimentError(
            .budget,
            "a device with \(share) of the full model (\(cap.memory) bytes of memory, \(cap.bytes) of weights) cannot hold "
                + "one module a layer (\(needed.memory), \(needed.bytes)); raise its share to "
                + "\((max(memory, bytes) * 1000).rounded(.up) / 1000)")
    }
}
