/// Which share of a device's examples comes from which lane, and how that changes with the steps.
struct ShareSchedule: Sendable {
    /// How the lanes of the shares change.
    enum Drift: Sendable {
        /// Not at all.
        case fixed
        /// The lanes stand in a ring; at each drift the one that came first leaves and the next one in the ring enters.
        case sliding
        /// Lanes half a ring apart form pairs; at each drift the next pair exchanges its shares.
        case exchanging
    }

    /// Steps from one drift to the next.
    static let stepsPerDrift = 4

    /// The shares: numbers of examples.
    let slots: [Int]
    /// The order of the lanes in the ring; at step 0 the first ones have the shares.
    let order: [Int]
    let drift: Drift
    /// How many steps earlier than others' the device's drifts come, below ``stepsPerDrift``.
    let phase: Int
    /// The slot of each lane's position in ``order``.
    private let places: [Int]

    init(slots: [Int], order: [Int], drift: Drift, phase: Int) {
        assert(!slots.isEmpty && slots.count <= order.count && phase < Self.stepsPerDrift)
        assert(drift != .exchanging || slots.count == order.count)
        self.slots = slots
        self.order = order
        self.drift = drift
        self.phase = phase
        var places = [Int](repeating: 0, count: order.count)
        for (place, lane) in order.enumerated() { places[lane] = place }
        self.places = places
    }

    /// The slot that each lane serves at a step.
    func slotOfLanes(step: Int) -> [Int?] {
        // Divided before the phase is added, which then cannot overflow.
        let drifts = step / Self.stepsPerDrift + (step % Self.stepsPerDrift + phase) / Self.stepsPerDrift
        var result = [Int?](repeating: nil, count: order.count)
        switch drift {
        case .fixed:
            for slot in slots.indices { result[order[slot]] = slot }
        case .sliding:
            for offset in slots.indices {
                // In the ring without end, position p has slot p mod the number of slots.
                let lane = (drifts % order.count + offset) % order.count
                let slot = (drifts % slots.count + offset) % slots.count
                result[order[lane]] = slot
            }
        case .exchanging:
            let pairs = order.count / 2
            for place in order.indices {
                result[order[place]] = place
                guard place < 2 * pairs else { continue }
                let pair = place % pairs
                // How often the pair has exchanged.
                let times = drifts / pairs + (pair < drifts % pairs ? 1 : 0)
                if times & 1 == 1 { result[order[place]] = place < pairs ? place + pairs : place - pairs }
            }
        }
        return result
    }

    /// How many of a lane's examples two batches, an even and an odd one, have room for: the largest share that it ever
    /// serves, made even where shares change.
    func period(lane: Int) -> Int {
        func even(_ share: Int) -> Int { (share + 1) / 2 * 2 }
        switch drift {
        case .fixed: return slots.max() ?? 0
        case .sliding: return even(slots.max() ?? 0)
        case .exchanging:
            let pairs = order.count / 2
            let place = places[lane]
            guard place < 2 * pairs else { return even(slots[place]) }
            return even(max(slots[place], slots[place < pairs ? place + pairs : place - pairs]))
        }
    }

    /// How many of a lane's examples come in batch 0.
    func firstBatch(slot: Int) -> Int { (slots[slot] + (slot & 1)) / 2 }
}
