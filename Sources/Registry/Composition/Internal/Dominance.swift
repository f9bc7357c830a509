/// Which free items stand in for which: item `a` dominates item `b` where some optimal choice never takes `b` without `a`.
///
/// That holds where `a` is worth at least as much and costs no more of anything (between equals, the lower index
/// dominates), if exchanging `b` for `a` keeps every layer at its minimum: always within a layer; across layers where
/// `b` has at least as many dominators in its own layer as that layer still wants, for they are then all taken and the
/// layer can spare `b`. Every such exchange makes a choice better or cheaper or lower in index, so one optimal choice
/// satisfies all the relations at once, and they are transitive: one step of propagation suffices.
struct Dominance {
    /// Pairs cost the square of the free items, in time and in memory.
    private static let maximumItems = 512

    private(set) var list: [Int32] = []
    private var dominatorStart: [Int32] = []
    private var dominatedStart: [Int32] = []

    /// No relations.
    init() {}

    /// The relations between the free items of a search.
    init(_ search: borrowing BranchAndBound) {
        let count = search.relaxation.activeCount
        guard count <= Self.maximumItems, count > 1 else { return }
        let items = (0..<count).map { Int(search.relaxation.active[$0]) }
        var inLayer = [Int32](repeating: 0, count: count)
        var isSparable = [Bool](repeating: false, count: count)
        for (index, item) in items.enumerated() {
            let layer = search.relaxation.columns[item].layer
            for other in items where search.relaxation.columns[other].layer == layer {
                if Self.dominates(other, item, search) { inLayer[index] += 1 }
            }
            isSparable[index] = inLayer[index] >= search.relaxation.need[Int(layer)]
        }
        let size = search.relaxation.itemCount
        dominatorStart = [Int32](repeating: 0, count: 2 * size)
        dominatedStart = [Int32](repeating: 0, count: 2 * size)
        for (index, item) in items.enumerated() {
            dominatorStart[2 * item] = Int32(list.count)
            for other in items where Self.relates(other, item, isSparable[index], search) { list.append(Int32(other)) }
            dominatorStart[2 * item + 1] = Int32(list.count)
        }
        for item in items {
            dominatedStart[2 * item] = Int32(list.count)
            for (index, other) in items.enumerated() where Self.relates(item, other, isSparable[index], search) {
                list.append(Int32(other))
            }
            dominatedStart[2 * item + 1] = Int32(list.count)
        }
    }

    var isEnabled: Bool { !list.isEmpty }

    /// Positions in ``list`` of the items that must be taken with `item`.
    @inline(__always)
    func dominators(of item: Int) -> Range<Int> { Int(dominatorStart[2 * item])..<Int(dominatorStart[2 * item + 1]) }

    /// Positions in ``list`` of the items that must be left out with `item`.
    @inline(__always)
    func dominated(by item: Int) -> Range<Int> { Int(dominatedStart[2 * item])..<Int(dominatedStart[2 * item + 1]) }

    private static func relates(_ a: Int, _ b: Int, _ isSparable: Bool, _ search: borrowing BranchAndBound) -> Bool {
        let columns = search.relaxation.columns
        return (isSparable || columns[a].layer == columns[b].layer) && dominates(a, b, search)
    }

    private static func dominates(_ a: Int, _ b: Int, _ search: borrowing BranchAndBound) -> Bool {
        guard a != b else { return false }
        let profitA = search.relaxation.columns[a].profit
        let profitB = search.relaxation.columns[b].profit
        guard profitA >= profitB, search.cost[a].fits(in: search.cost[b]) else { return false }
        return profitA > profitB || search.cost[a] != search.cost[b] || a < b
    }
}
