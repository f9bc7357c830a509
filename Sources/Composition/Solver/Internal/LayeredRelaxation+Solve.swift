extension LayeredRelaxation {
    private static var feasibilityTolerance: Double { 1e-10 }
    private static var pricingTolerance: Double { 1e-11 }
    private static var pivotTolerance: Double { 1e-10 }

    /// One row of the simplex tableau: how a basic variable answers to each nonbasic one.
    struct Row {
        /// Weights on the resource rows.
        var weights: Vector3
        /// The layer whose count the variable feels directly, or -1.
        var layer: Int
        /// With which sign it feels an item of that layer.
        var sign: Double
    }

    /// A variable that leaves the basis, for the bound it violates.
    struct Leaving {
        /// Working slot, or -1 for a key.
        var slot: Int
        /// The layer of a key, or -1.
        var layer: Int
        /// 1 where the variable must rise to its lower bound, -1 where it must fall to its upper bound.
        var direction: Double
        /// How far it is out.
        var violation: Double
    }

    /// Solves the relaxation from the current basis, or stops as soon as the bound falls to `threshold`.
    mutating func reoptimise(threshold: Double) -> Status {
        let iterationLimit = 100 + 4 * layerCount
        var resets = 0
        for _ in 0..<iterationLimit {
            if !factor() {
                resets += 1
                guard resets < 3 else { break }
                resetBasis()
                _ = factor()
            }
            price()
            if bound <= threshold { return .pruned }
            computeValues()
            guard let leaving = worstViolation() else { return .optimal }
            let row = leaving.slot >= 0 ? row(ofSlot: leaving.slot) : row(ofKeyIn: leaving.layer)
            collectBreakpoints(row, direction: leaving.direction)
            let walk = walk(violation: leaving.violation, flipping: true, until: .infinity)
            if let entering = walk.entering {
                pivot(leaving, entering: entering)
            } else {
                return walk.isProof ? .infeasible : .stalled
            }
        }
        _ = factor()
        price()
        computeValues()
        return .stalled
    }

    // MARK: - Basis

    private func workingColumn(_ code: Int32) -> (column: Vector3, profit: Double) {
        if code < 0 && code > -4 { return (.unit(Int(-1 - code)), 0) }
        let keyCode = key[layer(ofCode: code)]
        guard code >= 0 else {
            let keyColumn = columns[Int(keyCode)]
            return (keyColumn.cost, keyColumn.profit)
        }
        let column = columns[Int(code)]
        guard keyCode >= 0 else { return (column.cost, column.profit) }
        let keyColumn = columns[Int(keyCode)]
        return (column.cost - keyColumn.cost, column.profit - keyColumn.profit)
    }

    /// Inverts the working basis and derives the multipliers. False where the basis is singular to rounding.
    private mutating func factor() -> Bool {
        let (a, p) = workingColumn(slots.0)
        let (b, q) = workingColumn(slots.1)
        let (c, r) = workingColumn(slots.2)
        let bc = b.cross(c)
        let determinant = a.dot(bc)
        guard abs(determinant) > 1e-12 * a.magnitude * b.magnitude * c.magnitude else { return false }
        let scale = 1 / determinant
        inverse = (bc * scale, c.cross(a) * scale, a.cross(b) * scale)
        let lambda = inverse.0 * p + inverse.1 * q + inverse.2 * r
        prices = Vector3(max(0, lambda.x), max(0, lambda.y), max(0, lambda.z))
        for layer in 0..<layerCount {
            let keyCode = key[layer]
            if keyCode >= 0 {
                let column = columns[Int(keyCode)]
                subsidy[layer] = max(0, prices.dot(column.cost) - column.profit)
            } else {
                subsidy[layer] = 0
            }
        }
        return true
    }

    /// Reduced profits, the side of every nonbasic item and the Lagrangian bound. An item with a reduced profit of zero
    /// stays on its side: the walk along the dual edge has put it there.
    private mutating func price() {
        var total = fixedProfit + prices.dot(room)
        for layer in 0..<layerCount {
            total -= subsidy[layer] * Double(need[layer])
            countAtOne[layer] = 0
        }
        var usage = Vector3.zero
        var gain = 0.0
        for index in 0..<activeCount {
            let item = Int(active[index])
            let column = columns[item]
            let layer = Int(column.layer)
            let profit = column.profit - prices.dot(column.cost) + subsidy[layer]
            reduced[item] = profit
            if profit > 0 { gain += profit }
            var side = place[item]
            if side == .basic { continue }
            if profit > Self.pricingTolerance {
                side = .atOne
                place[item] = .atOne
            } else if profit < -Self.pricingTolerance {
                side = .atZero
                place[item] = .atZero
            }
            if side == .atOne {
                usage = usage + column.cost
                countAtOne[layer] += 1
            }
        }
        usageAtOne = usage
        bound = total + gain
    }

    private mutating func computeValues() {
        var rest = room - usageAtOne
        for layer in 0..<layerCount {
            let wanted = Double(need[layer]) - countAtOne[layer]
            let keyCode = key[layer]
            if keyCode >= 0 {
                rest = rest - columns[Int(keyCode)].cost * wanted
                keyValue[layer] = wanted
            } else {
                keyValue[layer] = -wanted
            }
        }
        slotValue = Vector3(inverse.0.dot(rest), inverse.1.dot(rest), inverse.2.dot(rest))
        for index in 0..<3 {
            let code = slot(index)
            let layer = layer(ofCode: code)
            guard layer >= 0 else { continue }
            let raisesKey = (key[layer] < 0) || code < 0
            keyValue[layer] += raisesKey ? slotValue[index] : -slotValue[index]
        }
    }

    private func violation(_ code: Int32, _ value: Double) -> Double {
        // Positive above the upper bound, negative below the lower one.
        if value < 0 { return value }
        guard code >= 0 else { return 0 }
        return max(0, value - (isActive(Int(code)) ? 1 : 0))
    }

    private func worstViolation() -> Leaving? {
        var worst = Self.feasibilityTolerance
        var leaving: Leaving?
        for index in 0..<3 {
            let excess = violation(slot(index), slotValue[index])
            if abs(excess) > worst {
                worst = abs(excess)
                leaving = Leaving(slot: index, layer: -1, direction: excess < 0 ? 1 : -1, violation: worst)
            }
        }
        for layer in 0..<layerCount {
            let excess = violation(key[layer], keyValue[layer])
            if abs(excess) > worst {
                worst = abs(excess)
                leaving = Leaving(slot: -1, layer: layer, direction: excess < 0 ? 1 : -1, violation: worst)
            }
        }
        return leaving
    }

    // MARK: - Dual edge

    func row(ofSlot index: Int) -> Row {
        Row(weights: index == 0 ? inverse.0 : index == 1 ? inverse.1 : inverse.2, layer: -1, sign: 0)
    }

    func row(ofKeyIn layer: Int) -> Row {
        let isItem = key[layer] >= 0
        var weights = Vector3.zero
        for index in 0..<3 {
            let code = slot(index)
            guard self.layer(ofCode: code) == layer else { continue }
            let raisesKey = !isItem || code < 0
            weights = weights + row(ofSlot: index).weights * (raisesKey ? 1 : -1)
        }
        return Row(weights: weights, layer: layer, sign: isItem ? 1 : -1)
    }

    /// Finds where the reduced profits change sign when the leaving variable gets a price.
    mutating func collectBreakpoints(_ row: Row, direction: Double) {
        breakpointCount = 0
        skippedWeight = 0
        let weights = row.weights * direction
        let sign = row.sign * direction
        for layer in 0..<layerCount {
            let keyCode = key[layer]
            guard keyCode >= 0 else {
                keyPrice[layer] = layer == row.layer ? -sign : 0
                continue
            }
            let keyWeight = weights.dot(columns[Int(keyCode)].cost)
            keyPrice[layer] = keyWeight - (layer == row.layer ? sign : 0)
            let surplus = Self.surplus(of: layer)
            if slots.0 != surplus && slots.1 != surplus && slots.2 != surplus {
                append(surplus, profit: -subsidy[layer], weight: keyPrice[layer])
            }
        }
        for resource in 0..<3 {
            let slack = Int32(-1 - resource)
            if slots.0 != slack && slots.1 != slack && slots.2 != slack {
                append(slack, profit: -prices[resource], weight: weights[resource])
            }
        }
        for index in 0..<activeCount {
            let item = active[index]
            let side = place[Int(item)]
            if side == .basic { continue }
            let column = columns[Int(item)]
            let weight = weights.dot(column.cost) - keyPrice[Int(column.layer)]
            if side == .atOne {
                if weight > 0 { append(item, profit: max(0, reduced[Int(item)]), weight: weight) }
            } else {
                if weight < 0 { append(item, profit: min(0, reduced[Int(item)]), weight: weight) }
            }
        }
    }

    @inline(__always)
    private mutating func append(_ code: Int32, profit: Double, weight: Double) {
        guard abs(weight) > Self.pivotTolerance else {
            // Too small to pivot on. It is charged against the slope instead, times the variable's range: 1 for items
            // and slacks, a count for a surplus.
            skippedWeight += abs(weight) * (code <= -4 ? Double(itemCount) : 1)
            return
        }
        if code < 0 && weight > 0 { return }
        breakpoints[breakpointCount] = Breakpoint(step: profit / weight, weight: abs(weight), code: code)
        breakpointCount += 1
    }

    /// Follows the dual edge past the breakpoints as long as the bound falls, or until it has fallen by `enough`.
    /// Returns the entering variable and by how much the bound falls; without an entering variable the relaxation has
    /// no feasible point, proved unless the lack is within rounding.
    mutating func walk(
        violation: Double, flipping: Bool, until enough: Double
    ) -> (entering: Int32?, decrease: Double, isProof: Bool) {
        var slope = violation - skippedWeight
        var step = 0.0
        var decrease = 0.0
        var passed = 0.0
        heapify()
        while breakpointCount > 0 {
            let next = popBreakpoint()
            if next.step > step {
                decrease += slope * (next.step - step)
                step = next.step
                if decrease >= enough { return (next.code, decrease, false) }
            }
            slope -= next.weight
            passed += next.weight
            if next.code < 0 || slope <= 1e-12 { return (next.code, decrease, false) }
            if flipping {
                place[Int(next.code)] = place[Int(next.code)] == .atOne ? .atZero : .atOne
            }
        }
        return (nil, .infinity, slope > 1e-9 * (1 + passed))
    }

    private mutating func pivot(_ leaving: Leaving, entering: Int32) {
        var slotIndex = leaving.slot
        if slotIndex < 0 {
            // A key with a companion in the working basis changes places with it; alone, its layer gives the successor.
            for index in 0..<3 where slotIndex < 0 && layer(ofCode: slot(index)) == leaving.layer { slotIndex = index }
            if slotIndex >= 0 {
                let companion = slot(slotIndex)
                setSlot(slotIndex, key[leaving.layer])
                key[leaving.layer] = companion
            }
        }
        let outgoing = slotIndex >= 0 ? slot(slotIndex) : key[leaving.layer]
        if outgoing >= 0 { place[Int(outgoing)] = leaving.direction > 0 ? .atZero : .atOne }
        if entering >= 0 { place[Int(entering)] = .basic }
        if slotIndex >= 0 {
            setSlot(slotIndex, entering)
        } else {
            key[leaving.layer] = entering
        }
    }

    // MARK: - Heap of breakpoints

    @inline(__always)
    private static func precedes(_ a: Breakpoint, _ b: Breakpoint) -> Bool {
        if a.step != b.step { return a.step < b.step }
        if a.weight != b.weight { return a.weight > b.weight }
        return a.code < b.code
    }

    private func heapify() {
        var start = breakpointCount / 2
        while start > 0 {
            start -= 1
            sink(start)
        }
    }

    private mutating func popBreakpoint() -> Breakpoint {
        let first = breakpoints[0]
        breakpointCount -= 1
        breakpoints[0] = breakpoints[breakpointCount]
        sink(0)
        return first
    }

    private func sink(_ start: Int) {
        guard start < breakpointCount else { return }
        let moving = breakpoints[start]
        var hole = start
        while true {
            var child = 2 * hole + 1
            guard child < breakpointCount else { break }
            if child + 1 < breakpointCount && Self.precedes(breakpoints[child + 1], breakpoints[child]) { child += 1 }
            guard Self.precedes(breakpoints[child], moving) else { break }
            breakpoints[hole] = breakpoints[child]
            hole = child
        }
        breakpoints[hole] = moving
    }
}
