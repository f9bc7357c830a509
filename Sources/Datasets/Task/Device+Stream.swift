import ECLMCore

extension Device {
    /// Its data at a step of the continuous run (paper, section 3): each step, new examples take the place of the older
    /// half.
    ///
    /// Under label skew the classes change too: every fourth step one class gives way to
    /// another, or two classes exchange their shares under Dirichlet skew; the tests follow. A device goes
    /// round its user's examples, or those of a class, and so gets them again in time. At step 0 devices share none;
    /// later one may get what another has had.
    ///
    /// - Parameter step: From 0, which gives ``train`` and ``test``. The cost does not depend on it.
    public func stream(step: Int) -> (train: Examples, test: Examples) {
        precondition(step >= 0, "there is no step \(step)")
        return (trainingExamples(step: step), testExamples(step: step))
    }

    /// The data of ``stream(step:)`` as a device stores it: in the order of the data set's file, which for `har` is that of
    /// recording, oldest first. What holds out the newest examples, as ``Examples/write(file:)`` is read for, needs it so.
    ///
    /// - Parameter step: As in ``stream(step:)``.
    public func recording(step: Int) -> (train: Examples, test: Examples) {
        precondition(step >= 0, "there is no step \(step)")
        return (
            training.examples(trainingIndices(step: step).sorted()), testing.examples(testIndices(step: step).sorted())
        )
    }

    /// The indices of the training data at a step: what came a step before, then what came new.
    private func trainingIndices(step: Int) -> [Int] {
        arrivals(batch: UInt(step)) + arrivals(batch: UInt(step) + 1)
    }

    func trainingExamples(step: Int) -> Examples {
        var generator = SplitMix64(seed: seed, path: SplitPurpose.order.rawValue, UInt64(index), UInt64(step))
        return training.examples(generator.shuffled(trainingIndices(step: step)))
    }

    /// The examples that arrive in a batch: half of a device's number. Batch 0 is there before step 0, batch `s + 1`
    /// arrives at step `s`.
    private func arrivals(batch: UInt) -> [Int] {
        let slots = schedule.slotOfLanes(step: batch == 0 ? 0 : Int(batch - 1))
        var indices: [Int] = []
        for (position, slot) in slots.enumerated() {
            guard let slot else { continue }
            let lane = lanes[position]
            // An odd share has its larger half in every other batch; in which ones differs by slot, to even that out.
            let count = (schedule.slots[slot] + ((slot ^ Int(batch & 1)) & 1)) / 2
            // An even batch fills the first half of its room from the end and an odd one the second from the start, so
            // that the data of step 0 lies without a gap.
            let period = schedule.period(lane: position)
            let first = batch & 1 == 0 ? period / 2 - count : period / 2
            indices += lane.indices(from: first, count: count, turns: batch / 2, room: period)
        }
        return indices
    }

    func testExamples(step: Int) -> Examples { testing.examples(testIndices(step: step)) }

    private func testIndices(step: Int) -> [Int] {
        let slots = schedule.slotOfLanes(step: step)
        var shares = slots.map { slot in slot.map { schedule.slots[$0] } ?? 0 }
        if case .fixed = schedule.drift { shares = testLanes.map(\.ring.count) }
        // As many as allowed, and as every class has for its share.
        let total = shares.reduce(0, +)
        var limit = testLimit
        for (lane, share) in zip(testLanes, shares) where share > 0 {
            limit = min(limit, lane.ring.count * total / share)
        }
        var indices: [Int] = []
        for (lane, count) in zip(testLanes, Apportionment.largestRemainder(limit, by: shares.map(Double.init))) {
            indices += lane.indices(from: 0, count: min(count, lane.ring.count), turns: 0, room: 0)
        }
        return indices
    }
}
