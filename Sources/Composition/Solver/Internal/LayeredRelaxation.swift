/// The linear relaxation of a ``LayeredKnapsack``, solved by a dual simplex method made for its shape.
///
///     max p·x   A x <= room (three rows)   sum of x in layer l >= need[l]   0 <= x <= 1
///
/// The layer rows form a generalised upper bounding structure: every layer keeps one *key* variable in the basis (one
/// of its items, or its surplus), and the keys are eliminated. What remains is a working basis of 3 x 3, whatever the
/// number of layers, and it is inverted afresh in every iteration: nothing drifts, and one iteration costs two passes
/// over the items that are still free.
///
/// The method only *proposes* multipliers: prices `lambda >= 0` on the resources and subsidies `nu >= 0` on the layers.
/// The bound used for pruning is the Lagrangian function
///
///     fixedProfit + lambda·room - sum of nu[l] need[l] + sum of max(0, p[j] - lambda·a[j] + nu[layer(j)])
///
/// which is valid for any such multipliers, however the simplex method came by them.
struct LayeredRelaxation: ~Copyable {
    struct Column {
        /// Costs as parts of the capacities.
        var cost: Vector3
        var profit: Double
        var layer: Int32
    }

    /// Where a variable of the relaxation stands.
    enum Place: UInt8 {
        case atZero = 0
        case atOne = 1
        case basic = 2
    }

    enum Status {
        /// The relaxation is solved.
        case optimal
        /// The bound is no better than the threshold.
        case pruned
        /// No point of the relaxation is feasible.
        case infeasible
        /// Rounding or the iteration limit stopped the method; the bound is valid, the values are only a hint.
        case stalled
    }

    struct Breakpoint {
        var step: Double
        var weight: Double
        var code: Int32
    }

    // Variables are named by codes: items 0..<itemCount, the slack of row r -1 - r, the surplus of layer l -4 - l.

    let itemCount: Int
    let layerCount: Int
    let columns: UnsafeMutablePointer<Column>
    let place: UnsafeMutablePointer<Place>
    /// Reduced profit of every free item at the current multipliers.
    let reduced: UnsafeMutablePointer<Double>
    /// The free items are `active[0..<activeCount]`; an item is free where its `position` is below `activeCount`.
    let active: UnsafeMutablePointer<Int32>
    let position: UnsafeMutablePointer<Int32>
    /// Items still wanted in each layer; below 1 where the fixed ones suffice.
    let need: UnsafeMutablePointer<Int32>
    let key: UnsafeMutablePointer<Int32>
    let keyValue: UnsafeMutablePointer<Double>
    let subsidy: UnsafeMutablePointer<Double>
    let countAtOne: UnsafeMutablePointer<Double>
    let keyPrice: UnsafeMutablePointer<Double>
    let breakpoints: UnsafeMutablePointer<Breakpoint>

    var breakpointCount = 0
    var skippedWeight = 0.0
    var activeCount: Int
    var slots: (Int32, Int32, Int32) = (-1, -2, -3)
    var slotValue = Vector3.zero
    var inverse = (Vector3.unit(0), Vector3.unit(1), Vector3.unit(2))
    /// Prices of the three rows.
    var prices = Vector3.zero
    /// What the fixed items leave of each capacity, as a part of it.
    var room = Vector3(1, 1, 1)
    /// Profit of the items fixed at one.
    var fixedProfit = 0.0
    var usageAtOne = Vector3.zero
    /// The Lagrangian bound at the current multipliers.
    var bound = Double.infinity

    /// Room for the relaxation; `columns` is copied.
    init(columns source: [Column], layerCount: Int, required: Int) {
        itemCount = source.count
        self.layerCount = layerCount
        activeCount = source.count
        columns = .allocate(capacity: source.count)
        place = .allocate(capacity: source.count)
        reduced = .allocate(capacity: source.count)
        active = .allocate(capacity: source.count)
        position = .allocate(capacity: source.count)
        need = .allocate(capacity: layerCount)
        key = .allocate(capacity: layerCount)
        keyValue = .allocate(capacity: layerCount)
        subsidy = .allocate(capacity: layerCount)
        countAtOne = .allocate(capacity: layerCount)
        keyPrice = .allocate(capacity: layerCount)
        breakpoints = .allocate(capacity: source.count + layerCount + 3)
        for index in 0..<itemCount {
            columns[index] = source[index]
            place[index] = .atZero
            reduced[index] = 0
            active[index] = Int32(index)
            position[index] = Int32(index)
        }
        for layer in 0..<layerCount {
            need[layer] = Int32(required)
            keyValue[layer] = 0
            subsidy[layer] = 0
            countAtOne[layer] = 0
            keyPrice[layer] = 0
        }
        resetBasis()
    }

    deinit {
        columns.deallocate()
        place.deallocate()
        reduced.deallocate()
        active.deallocate()
        position.deallocate()
        need.deallocate()
        key.deallocate()
        keyValue.deallocate()
        subsidy.deallocate()
        countAtOne.deallocate()
        keyPrice.deallocate()
        breakpoints.deallocate()
    }

    /// Whether the item is not fixed.
    @inline(__always)
    func isActive(_ item: Int) -> Bool { position[item] < activeCount }

    /// Takes a free item out; ``activeCount`` put back to its former value brings it back.
    @inline(__always)
    mutating func deactivate(_ item: Int) {
        let hole = position[item]
        activeCount -= 1
        let last = active[activeCount]
        active[Int(hole)] = last
        position[Int(last)] = hole
        active[activeCount] = Int32(item)
        position[item] = Int32(activeCount)
    }

    func slot(_ index: Int) -> Int32 { index == 0 ? slots.0 : index == 1 ? slots.1 : slots.2 }

    mutating func setSlot(_ index: Int, _ code: Int32) {
        switch index {
        case 0: slots.0 = code
        case 1: slots.1 = code
        default: slots.2 = code
        }
    }

    static func surplus(of layer: Int) -> Int32 { -4 - Int32(layer) }

    /// The layer that a basic item or a surplus belongs to, -1 for a slack.
    func layer(ofCode code: Int32) -> Int {
        if code >= 0 { return Int(columns[Int(code)].layer) }
        return code <= -4 ? Int(-4 - code) : -1
    }

    /// The basis of slacks and surpluses, dual feasible for every problem: with free resources each item goes by its
    /// sign.
    mutating func resetBasis() {
        for index in 0..<itemCount where place[index] == .basic { place[index] = .atZero }
        slots = (-1, -2, -3)
        for layer in 0..<layerCount { key[layer] = Self.surplus(of: layer) }
    }
}
