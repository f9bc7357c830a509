import ECLMCore

/// Splits `images` and `speech`: a part of each class is the proxy's, the rest arrives on devices by their shares of the
/// classes (docs/data.md).
struct ClassSplit {
    /// The part of the proxy that is kept for validation.
    private static let validationShare = 0.2

    private let settings: TaskSettings
    private let data: ClassData
    private var classes: Int { data.classNames.count }

    init(_ settings: TaskSettings, _ data: ClassData) throws {
        if case .classes(let count) = settings.skew, count > data.classNames.count {
            throw DatasetError(
                .invalidSettings,
                "a device cannot have \(count) classes; \(settings.dataset.rawValue) has \(data.classNames.count)")
        }
        if let limit = settings.proxyLimit, limit < 2 * data.classNames.count {
            throw DatasetError(
                .invalidSettings,
                "a proxy of \(limit) examples is too small for \(data.classNames.count) classes; choose a limit of at "
                    + "least \(2 * data.classNames.count)")
        }
        self.settings = settings
        self.data = data
    }

    func task() throws -> FederatedTask {
        var (training, validation, rings) = ([[Int]](), [[Int]](), [[Int]]())
        let limits = settings.proxyLimit.map {
            Apportionment.largestRemainder($0, by: [Double](repeating: 1, count: classes))
        }
        for (label, indices) in data.training.enumerated() {
            var generator = SplitPurpose.proxy.generator(settings.seed, label)
            let shuffled = generator.shuffled(indices)
            let share = Int((Double(shuffled.count) * settings.proxyShare).rounded())
            let used = min(share, limits?[label] ?? share)
            let held = max(1, Int((Double(used) * Self.validationShare).rounded()))
            guard used > held, share < shuffled.count, !data.test[label].isEmpty else {
                throw DatasetError(
                    .tooFewExamples,
                    "the class \(data.classNames[label]) has \(shuffled.count) training and "
                        + "\(data.test[label].count) test examples in \(data.path), too few for a proxy and devices; "
                        + "choose another proxy share")
            }
            validation.append(Array(shuffled[..<held]))
            training.append(Array(shuffled[held..<used]))
            rings.append(Array(shuffled[share...]))
        }
        var order = SplitPurpose.order.generator(settings.seed)
        let proxy = order.shuffled(training.joined())
        let (source, testSource, normalisation) = data.normalised(proxy)
        let proxyExamples = source.examples(proxy)
        return FederatedTask(
            name: name, exampleShape: source.shape, classNames: data.classNames, proxy: proxyExamples,
            proxyValidation: source.examples(order.shuffled(validation.joined())),
            proxySubTasks: proxyExamples.labels, subTaskNames: data.classNames,
            devices: try devices(rings: rings, source, testSource), normalisation: normalisation)
    }

    private var name: String {
        switch settings.skew {
        case .user: "\(settings.dataset.rawValue)-user"
        case .classes(let count): "\(settings.dataset.rawValue)-classes-\(count)"
        case .dirichlet(let concentration): "\(settings.dataset.rawValue)-dirichlet-\(concentration)"
        }
    }

    /// Gives each device its place in the rings: at step 0 one behind the other.
    private func devices(rings: [[Int]], _ source: ExampleSource, _ testSource: ExampleSource) throws -> [Device] {
        var taken = [Int](repeating: 0, count: classes)
        var schedules: [(schedule: ShareSchedule, begins: [Int])] = []
        let wanted = settings.devices ?? TaskSettings.defaultDevices
        for index in 0..<wanted {
            let schedule = schedule(of: index, taken: taken)
            let slots = schedule.slotOfLanes(step: 0)
            let needs = slots.map { slot in slot.map { schedule.slots[$0] } ?? 0 }
            if let short = needs.indices.first(where: { taken[$0] + needs[$0] > rings[$0].count }) {
                if settings.devices == nil, index > 0 { break }
                throw DatasetError(
                    .tooFewExamples,
                    "the class \(data.classNames[short]) has \(rings[short].count) examples for devices, but the first "
                        + "\(index + 1) of \(wanted) devices need \(taken[short] + needs[short]); choose "
                        + (index > 0 ? "at most \(index) devices" : "fewer samples or more classes a device"))
            }
            if let short = rings.indices.first(where: { schedule.period(lane: $0) > rings[$0].count }) {
                throw DatasetError(
                    .tooFewExamples,
                    "the class \(data.classNames[short]) has \(rings[short].count) examples for devices, but a device "
                        + "may come to need \(schedule.period(lane: short)); choose fewer samples or more classes "
                        + "a device")
            }
            schedules.append((schedule, taken))
            for label in needs.indices { taken[label] += needs[label] }
        }
        let budgets = FederatedTask.budgetShares(settings, devices: schedules.count)
        var tests: [[Int]] = []
        for (label, indices) in data.test.enumerated() {
            var generator = SplitPurpose.rings.generator(settings.seed, label)
            tests.append(generator.shuffled(indices))
        }
        return schedules.enumerated().map { index, planned in
            device(index, planned.schedule, begins: planned.begins, rings, tests, source, testSource, budgets[index])
        }
    }

    private func device(
        _ index: Int, _ schedule: ShareSchedule, begins: [Int], _ rings: [[Int]], _ tests: [[Int]],
        _ source: ExampleSource, _ testSource: ExampleSource, _ budgetShare: Double
    ) -> Device {
        var generator = SplitPurpose.rings.generator(settings.seed, classes + index)
        let slots = schedule.slotOfLanes(step: 0)
        let lanes = rings.enumerated().map { label, ring in
            // A class that comes later begins anywhere, so that devices do not all get the same examples.
            let elsewhere = generator.below(ring.count)
            guard let slot = slots[label] else { return Lane(ring: ring, start: elsewhere) }
            let first = schedule.firstBatch(slot: slot)
            return Lane(ring: ring, start: begins[label] - schedule.period(lane: label) / 2 + first)
        }
        let digits = String(index)
        return Device(
            id: "device-" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits,
            classes: slots.indices.filter { label in slots[label].map { schedule.slots[$0] > 0 } ?? false },
            budgetShare: budgetShare, seed: settings.seed, index: index, training: source, testing: testSource,
            lanes: lanes, testLanes: tests.map { Lane(ring: $0, start: generator.below($0.count)) },
            schedule: schedule, testLimit: settings.testLimit)
    }

    /// A device's shares of the classes: under `classes` of those that are taken least so far.
    private func schedule(of index: Int, taken: [Int]) -> ShareSchedule {
        var drawing = SplitPurpose.samples.generator(settings.seed, index)
        let samples = settings.samples.lowerBound + drawing.below(settings.samples.count)
        var shuffling = SplitPurpose.classes.generator(settings.seed, index)
        let shuffled = shuffling.shuffled(0..<classes)
        var drifting = SplitPurpose.drift.generator(settings.seed, index)
        let phase = drifting.below(ShareSchedule.stepsPerDrift)
        switch settings.skew {
        case .user: preconditionFailure("class splits have no users")
        case .dirichlet(let concentration):
            var generator = SplitPurpose.shares.generator(settings.seed, index)
            let shares = Apportionment.dirichlet(concentration, count: classes, using: &generator)
            return ShareSchedule(
                slots: Apportionment.largestRemainder(samples, by: shares), order: shuffled, drift: .exchanging,
                phase: phase)
        case .classes(let count):
            let places = shuffled.indices.sorted { first, second in
                let (one, other) = (taken[shuffled[first]], taken[shuffled[second]])
                return one == other ? first < second : one < other
            }
            let held = places.prefix(count)
            // Behind the classes of step 0, the others follow in random order.
            let later = shuffled.indices.filter { !held.contains($0) }
            return ShareSchedule(
                slots: Apportionment.largestRemainder(samples, by: [Double](repeating: 1, count: count)),
                order: (Array(held) + later).map { shuffled[$0] }, drift: .sliding, phase: phase)
        }
    }
}
