import ECLMCore

/// Splits `har`: users first, then each device's recordings (docs/data.md).
struct UserSplit {
    /// The most proxy users kept for validation.
    private static let validationUsers = 2

    private let settings: TaskSettings
    private let file: HarFile

    init(_ settings: TaskSettings, _ file: HarFile) {
        self.settings = settings
        self.file = file
    }

    func task() throws -> FederatedTask {
        var generator = SplitPurpose.users.generator(settings.seed)
        let users = generator.shuffled(Set(file.users).sorted())
        let proxyUsers = Int((Double(users.count) * settings.proxyShare).rounded())
        guard proxyUsers >= 2, users.count - proxyUsers >= 1 else {
            throw DatasetError(
                .tooFewExamples,
                "\(settings.proxyShare) of the \(users.count) users of \(file.path) leave \(proxyUsers) for the proxy, "
                    + "which needs 2, and \(users.count - proxyUsers) for devices; choose another proxy share")
        }
        let validating = min(Self.validationUsers, max(1, proxyUsers / 4))
        // Divided between both as the users are.
        let limits = settings.proxyLimit.map { limit -> (training: Int, validation: Int) in
            let validation = max(1, limit * validating / proxyUsers)
            return (limit - validation, validation)
        }
        let training = try windows(of: users[..<(proxyUsers - validating)].sorted(), limit: limits?.training)
        let validation = try windows(
            of: users[(proxyUsers - validating)..<proxyUsers].sorted(), limit: limits?.validation)
        let (source, normalisation) = features(from: training.flatMap(\.windows))
        let proxy = source.examples(training.flatMap(\.windows))
        return FederatedTask(
            name: "har-user", exampleShape: source.shape, classNames: file.classNames, proxy: proxy,
            proxyValidation: source.examples(validation.flatMap(\.windows)),
            proxySubTasks: training.enumerated().flatMap { index, user in
                [Int](repeating: index, count: user.windows.count)
            },
            subTaskNames: training.map { "user \($0.user)" },
            devices: try devices(of: Array(users[proxyUsers...]), source), normalisation: normalisation)
    }

    /// Some users' windows, as many of each where there is a limit on all.
    private func windows(of users: [Int], limit: Int?) throws -> [(user: Int, windows: [Int])] {
        let all = users.map { user in file.users.indices.filter { file.users[$0] == user } }
        let parts = limit.map { Apportionment.largestRemainder($0, by: all.map { Double($0.count) }) }
        return zip(users, all).enumerated().map { index, pair in
            let (user, windows) = pair
            guard let parts, parts[index] < windows.count else { return (user, windows) }
            var generator = SplitPurpose.limit.generator(settings.seed, user)
            return (user, generator.shuffled(windows).prefix(parts[index]).sorted())
        }
    }

    /// All windows' features, normalised by what these windows have.
    private func features(from training: [Int]) -> (ExampleSource, Normalisation) {
        var values = HarFeatures().extract(file.windows)
        let width = HarFeatures.count
        var sums = [Double](repeating: 0, count: width)
        var squares = sums
        let normalisation = values.withUnsafeBufferPointer { values in
            sums.withUnsafeMutableBufferPointer { sums in
                squares.withUnsafeMutableBufferPointer { squares in
                    for window in training {
                        var feature = 0
                        while feature < width {
                            let value = Double(values[window * width + feature])
                            sums[feature] += value
                            squares[feature] += value * value
                            feature &+= 1
                        }
                    }
                }
            }
            return Normalisation(count: Double(training.count), sums: sums, squares: squares)
        }
        let (mean, scale) = (normalisation.mean, normalisation.deviation.map { 1 / $0 })
        values.withUnsafeMutableBufferPointer { values in
            mean.withUnsafeBufferPointer { mean in
                scale.withUnsafeBufferPointer { scale in
                    var start = 0
                    while start < values.count {
                        var feature = 0
                        while feature < width {
                            values[start &+ feature] = (values[start &+ feature] - mean[feature]) * scale[feature]
                            feature &+= 1
                        }
                        start &+= width
                    }
                }
            }
        }
        return (ExampleSource(shape: [width], storage: .values(values), labels: file.labels), normalisation)
    }

    private func devices(of users: [Int], _ source: ExampleSource) throws -> [Device] {
        let count = settings.devices ?? users.count
        guard count <= users.count else {
            throw DatasetError(
                .tooFewExamples,
                "\(count) devices need as many users, but \(users.count) are left beside the proxy's; choose at most "
                    + "\(users.count) devices or a smaller proxy share")
        }
        let budgets = FederatedTask.budgetShares(settings, devices: count)
        return try users.prefix(count).sorted().enumerated().map { index, user in
            try device(index, user: user, budgetShare: budgets[index], source)
        }
    }

    private func device(_ index: Int, user: Int, budgetShare: Double, _ source: ExampleSource) throws -> Device {
        let sessions = file.sessions(of: user)
        guard sessions.count >= 2 else {
            throw DatasetError(
                .tooFewExamples,
                "user \(user) of \(file.path) has one recording; a device needs one to train and one to test")
        }
        var generator = SplitPurpose.recordings.generator(settings.seed, user)
        let held = generator.below(sessions.count)
        let test = generator.shuffled(sessions[held])
        let ring = generator.shuffled(sessions.indices.filter { $0 != held }.flatMap { sessions[$0] })
        var drawing = SplitPurpose.samples.generator(settings.seed, user)
        let wanted = settings.samples.lowerBound + drawing.below(settings.samples.count)
        // Two thirds: so that a step's new half is new.
        let most = ring.count * 2 / 3
        guard most >= settings.samples.lowerBound else {
            throw DatasetError(
                .tooFewExamples,
                "user \(user) of \(file.path) has \(ring.count) training windows, of which a device can have \(most); "
                    + "choose samples from \(most) or fewer")
        }
        let samples = min(wanted, most)
        return Device(
            id: "user-\(user < 10 ? "0" : "")\(user)", classes: Set(ring.map { file.labels[$0] }).sorted(),
            budgetShare: budgetShare, seed: settings.seed, index: index, training: source, testing: source,
            lanes: [Lane(ring: ring, start: 0)], testLanes: [Lane(ring: test, start: 0)],
            schedule: ShareSchedule(slots: [samples], order: [0], drift: .fixed, phase: 0),
            testLimit: min(settings.testLimit, test.count))
    }
}
