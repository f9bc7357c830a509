/// Which free items stand in for which: item `a` dominates item `b` where some optimal choice never takes `b` without
/// `a`.
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
        let members = (0..<count).map { Member(Int(search.relaxation.active[$0]), of: search) }
        let size = search.relaxation.itemCount
        dominatorStart = [Int32](repeating: 0, count: 2 * size)
        dominatedStart = [Int32](repeating: 0, count: 2 * size)
        var followers = [Int32](repeating: 0, count: size)
        var fromOtherLayers: [Int32] = []
        for member in members {
            let start = list.count
            fromOtherLayers.removeAll(keepingCapacity: true)
            for other in members where other.dominates(member) {
                if other.layer == member.layer {
                    list.append(other.item)
                } else {
                    fromOtherLayers.append(other.item)
                }
            }
            if list.count - start >= Int(search.relaxation.need[Int(member.layer)]) { list += fromOtherLayers }
            dominatorStart[2 * Int(member.item)] = Int32(start)
            dominatorStart[2 * Int(member.item) + 1] = Int32(list.count)
            for position in start..<list.count { followers[Int(list[position])] += 1 }
        }
        transpose(members, followers)
    }

    /// Lists the same relations by the dominating item, behind those by the dominated one.
    private mutating func transpose(_ members: [Member], _ followers: [Int32]) {
        var end = Int32(list.count)
        for member in members {
            dominatedStart[2 * Int(member.item)] = end
            dominatedStart[2 * Int(member.item) + 1] = end
            end += followers[Int(member.item)]
        }
        list += repeatElement(0, count: Int(end) - list.count)
        for member in members {
            for position in dominators(of: Int(member.item)) {
                let dominator = Int(list[position])
                list[Int(dominatedStart[2 * dominator + 1])] = member.item
                dominatedStart[2 * dominator + 1] += 1
            }
        }
    }

    var isEnabled: Bool { !list.isEmpty }

    /// Positions in ``list`` of the items that must be taken with `item`.
    @inline(__always)
    func dominators(of item: Int) -> Range<Int> { Int(dominatorStart[2 * item])..<Int(dominatorStart[2 * item + 1]) }

    /// Positions in ``list`` of the items that must be left out with `item`.
    @inline(__always)
    func dominated(by item: Int) -> Range<Int> { Int(dominatedStart[2 * item])..<Int(dominatedStart[2 * item + 1]) }

    private struct Member {
        var item: Int32
        var layer: Int32
        var profit: Double
        var cost: ResourceAmounts

        init(_ item: Int, of search: borrowing BranchAndBound) {
            self.item = Int32(item)
            layer = search.relaxation.columns[item].layer
            profit = search.relaxation.columns[item].profit
            cost = search.cost[item]
        }

        @inline(__always)
        func dominates(_ other: Member) -> Bool {
            guard profit >= other.profit, cost.fits(in: other.cost), item != other.item else { return false }
            return profit > other.profit || cost != other.cost || item < other.item
        }
    }
}
