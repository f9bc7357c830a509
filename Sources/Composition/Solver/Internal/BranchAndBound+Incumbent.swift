import ECLMCore

extension BranchAndBound {
    /// Takes the choice in `trial` where it is feasible and better than the incumbent; `completingFixed` sets the fixed
    /// items to their values first.
    mutating func offerTrial(completingFixed: Bool) {
        var profit = 0.0
        var used = ResourceAmounts.zero
        for layer in 0..<knapsack.layerCount { layerCounts[layer] = 0 }
        for item in 0..<relaxation.itemCount {
            if completingFixed && !relaxation.isActive(item) { trial[item] = value[item] }
            guard trial[item] else { continue }
            let column = relaxation.columns[item]
            profit += column.profit
            used = used + cost[item]
            layerCounts[Int(column.layer)] += 1
        }
        guard !hasIncumbent || profit > incumbentProfit, used.fits(in: knapsack.capacity) else { return }
        for layer in 0..<knapsack.layerCount where Int(layerCounts[layer]) < knapsack.required { return }
        for item in 0..<relaxation.itemCount { incumbent[item] = trial[item] }
        hasIncumbent = true
        incumbentProfit = profit
        // With a step, whatever is better is better by a whole one.
        threshold = profit + max(1e-12 * max(abs(profit), 1e-3), step * (1 - 1e-5))
    }

    /// Copies the relaxation's solution to `trial`, fractions rounded down. True where there are none.
    mutating func buildRoundedTrial() -> Bool {
        for index in 0..<relaxation.activeCount {
            let item = Int(relaxation.active[index])
            trial[item] = relaxation.place[item] == .atOne
        }
        var isIntegral = true
        for index in 0..<(3 + knapsack.layerCount) {
            let code = index < 3 ? relaxation.slot(index) : relaxation.key[index - 3]
            guard code >= 0, relaxation.isActive(Int(code)) else { continue }
            let fraction = index < 3 ? relaxation.slotValue[index] : relaxation.keyValue[index - 3]
            trial[Int(code)] = fraction > 1 - 1e-9
            if fraction > 1e-9 && fraction < 1 - 1e-9 { isIntegral = false }
        }
        return isIntegral
    }

    /// Completes a rounded trial: first what the layers still want, then whatever fits, best reduced profit first.
    mutating func completeTrial() {
        var rest = room
        for layer in 0..<knapsack.layerCount { layerCounts[layer] = relaxation.need[layer] }
        for index in 0..<relaxation.activeCount {
            let item = Int(relaxation.active[index])
            guard trial[item] else { continue }
            rest = rest - cost[item]
            layerCounts[Int(relaxation.columns[item].layer)] -= 1
        }
        guard rest.memory >= 0, rest.flops >= 0, rest.fetchBytes >= 0 else { return }
        for layer in 0..<knapsack.layerCount {
            while layerCounts[layer] > 0 {
                guard let item = bestAddition(to: rest, layer: layer) else { return }
                trial[item] = true
                rest = rest - cost[item]
                layerCounts[layer] -= 1
            }
        }
        while let item = bestAddition(to: rest, layer: nil) {
            trial[item] = true
            rest = rest - cost[item]
        }
        offerTrial(completingFixed: true)
    }

    private func bestAddition(to rest: ResourceAmounts, layer: Int?) -> Int? {
        var best = -1
        var highest = -Double.infinity
        for index in 0..<relaxation.activeCount {
            let item = Int(relaxation.active[index])
            guard !trial[item], cost[item].fits(in: rest) else { continue }
            if let layer {
                guard Int(relaxation.columns[item].layer) == layer else { continue }
            } else {
                guard relaxation.columns[item].profit > 0 else { continue }
            }
            let score = relaxation.reduced[item]
            if score > highest || (score == highest && item < best) {
                highest = score
                best = item
            }
        }
        return best >= 0 ? best : nil
    }

    /// Local search from the incumbent: additions and exchanges of one free item for another, while they improve.
    mutating func improveIncumbent() {
        guard hasIncumbent, relaxation.activeCount <= 256 else { return }
        var rest = knapsack.capacity
        for layer in 0..<knapsack.layerCount { layerCounts[layer] = Int32(-knapsack.required) }
        for item in 0..<relaxation.itemCount {
            trial[item] = incumbent[item]
            guard trial[item] else { continue }
            rest = rest - cost[item]
            layerCounts[Int(relaxation.columns[item].layer)] += 1
        }
        var improvements = 0
        while improvements < 64, improveTrial(&rest) { improvements += 1 }
        if improvements > 0 { offerTrial(completingFixed: false) }
    }

    /// Makes the first improving move; `layerCounts` holds the modules beyond the minimum.
    private mutating func improveTrial(_ rest: inout ResourceAmounts) -> Bool {
        for inner in 0..<relaxation.activeCount {
            let entering = Int(relaxation.active[inner])
            guard !trial[entering] else { continue }
            let column = relaxation.columns[entering]
            if column.profit > 0 && cost[entering].fits(in: rest) {
                trial[entering] = true
                rest = rest - cost[entering]
                layerCounts[Int(column.layer)] += 1
                return true
            }
            for outer in 0..<relaxation.activeCount {
                let leaving = Int(relaxation.active[outer])
                guard trial[leaving] else { continue }
                let other = relaxation.columns[leaving]
                guard column.profit > other.profit + 1e-12 else { continue }
                guard column.layer == other.layer || layerCounts[Int(other.layer)] > 0 else { continue }
                let freed = rest + cost[leaving]
                guard cost[entering].fits(in: freed) else { continue }
                trial[entering] = true
                trial[leaving] = false
                rest = freed - cost[entering]
                layerCounts[Int(column.layer)] += 1
                layerCounts[Int(other.layer)] -= 1
                return true
            }
        }
        return false
    }
}
