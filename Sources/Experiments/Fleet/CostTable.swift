import ECLMCore
import Learning

/// What the parts of a network cost, and which nets fit a share of it.
///
/// A cap is a share of the full model's size in bytes; the full model has all modules, and the selector. Memory and time
/// are measured of the nets that fit.
struct CostTable: Sendable {
    let network: NetworkSpecification
    /// The costs of every module.
    let costs: [ModuleSlot: ModuleCosts]

    /// The size of the whole.
    var full: Int64 { bytes(of: costs.keys) }

    /// The most bytes that a device may hold which affords a share of the full model, over 0 and at most 1.
    func cap(share: Double) -> Int64 { Self.cap(share: share, of: full) }

    /// The most bytes that a device may hold which affords a share of a model of `full` bytes, over 0 and at most 1.
    static func cap(share: Double, of full: Int64) -> Int64 { share >= 1 ? full : Int64(Double(full) * share) }

    /// The size of some parts.
    func bytes(of slots: some Sequence<ModuleSlot>) -> Int64 { slots.reduce(0) { $0 + (costs[$1]?.bytes ?? 0) } }

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
    func fits(_ counts: [Int], in cap: Int64) -> Bool { bytes(of: denseSlots(counts)) <= cap }

    /// The largest dense net within a share: layers grow in turn, the one that is relatively smallest first.
    ///
    /// - Throws: ``ExperimentError`` with `budget` where not even one module a layer fits.
    func denseCounts(share: Double) throws -> [Int] {
        let cap = cap(share: share)
        let sizes = network.layers.map(\.modules)
        var counts = sizes.map { _ in 1 }
        guard fits(counts, in: cap) else {
            let needed = bytes(of: denseSlots(counts))
            throw ExperimentError(
                .budget,
                "a device with \(share) of the full model, \(cap) bytes, cannot hold one module a layer, which takes "
                    + "\(needed); raise its share to \((Double(needed) / Double(full) * 1000).rounded(.up) / 1000)")
        }
        var open = Set(sizes.indices.filter { sizes[$0] > 1 })
        while let layer = open.min(by: { (counts[$0] * sizes[$1], $0) < (counts[$1] * sizes[$0], $1) }) {
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
}
