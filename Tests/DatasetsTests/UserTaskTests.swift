import Datasets
import Testing

@Suite("A task of one user a device")
struct UserTaskTests {
    private let directory: DataDirectory

    init() throws {
        directory = try DataDirectory()
        try directory.writeHar()
    }

    private func task(seed: UInt64 = 1, devices: Int? = nil, proxyLimit: Int? = nil) throws -> FederatedTask {
        try .make(
            TaskSettings(
                dataset: .har, skew: .user, devices: devices, samples: 4...7, seed: seed, proxyLimit: proxyLimit),
            directory: directory.path)
    }

    @Test(
        "has nine users of the proxy, two of them for validation, and 21 devices",
        arguments: 1...5 as ClosedRange<UInt64>)
    func users(seed: UInt64) throws {
        let task = try task(seed: seed)
        let training = Set(task.windows(of: task.proxy).map { $0[0] })
        let validation = Set(task.windows(of: task.proxyValidation).map { $0[0] })
        let devices = task.devices.map { device in
            Set(task.windows(of: device.train).map { $0[0] } + task.windows(of: device.test).map { $0[0] })
        }
        #expect(training.count == 7)
        #expect(validation.count == 2)
        #expect(devices.count == 21)
        #expect(devices.allSatisfy { $0.count == 1 })
        #expect(training.union(validation).union(devices.joined()) == Set(1...30), "nobody is in two places")
        let names = zip(task.windows(of: task.proxy), task.proxySubTasks).map {
            $0[0] == Int(task.subTaskNames[$1].dropFirst(5))
        }
        #expect(!names.contains(false), "a sub-task is a user")
        #expect(task.subTaskNames.count == 7)
    }

    @Test("tests a device on a recording that it never trains on", arguments: 1...8 as ClosedRange<UInt64>)
    func recordings(seed: UInt64) throws {
        let task = try task(seed: seed)
        for device in task.devices {
            var training: Set<Int> = []
            for step in 0..<12 {
                training.formUnion(task.windows(of: device.stream(step: step).train).map { $0[1] })
            }
            let test = Set(task.windows(of: device.test).map { $0[1] })
            #expect(training.isDisjoint(with: test), "\(device.id)")
            #expect(training.contains(20) == training.contains(21))
            #expect(test.contains(20) == test.contains(21))
            #expect(task.windows(of: device.test).count == (test.contains(20) ? 24 : 12))
        }
    }

    @Test("replaces half of a device's windows a step, by others while there are any")
    func stream() throws {
        let task = try task()
        for device in task.devices {
            let steps = (0..<40).map { Set(task.windows(of: device.stream(step: $0).train)) }
            #expect(steps[0] == Set(task.windows(of: device.train)))
            for (before, after) in zip(steps, steps.dropFirst()) {
                #expect(after.count == device.sampleCount, "no window comes twice")
                #expect(abs(2 * before.intersection(after).count - device.sampleCount) <= 1)
            }
            #expect(Set(steps.joined()).count >= 12, "all windows come in time")
            let test = device.stream(step: 0).test
            #expect(device.stream(step: 33).test == test)
        }
    }

    @Test("gives a device's data in the order of recording where it is to be stored", arguments: [0, 1, 7])
    func recording(step: Int) throws {
        let task = try task()
        for device in task.devices {
            let (stored, drawn) = (device.recording(step: step), device.stream(step: step))
            for (stored, drawn) in [(stored.train, drawn.train), (stored.test, drawn.test)] {
                let windows = task.windows(of: stored)
                #expect(windows == task.windows(of: drawn).sorted { $0.lexicographicallyPrecedes($1) })
                #expect(stored.labels == windows.map { $0[2] % 3 }, "labels go with their examples")
            }
        }
        // Or there would be nothing to tell from.
        #expect(task.devices.contains { $0.recording(step: step).train != $0.stream(step: step).train })
    }

    @Test("is normalised by the proxy's training data alone")
    func normalisation() throws {
        let task = try task()
        #expect(task.exampleShape == [552])
        for feature in stride(from: 0, to: 552, by: 7) {
            let values = (0..<task.proxy.count).map { Double(task.proxy.values[$0 * 552 + feature]) }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count)
            #expect(abs(mean) < 1e-3)
            #expect(abs(variance - 1) < 1e-2 || variance < 1e-3)
        }
    }

    @Test("is the same for the same settings, and another for another seed")
    func determinism() throws {
        let (first, second, other) = (try task(), try task(), try task(seed: 2))
        #expect(first.proxy == second.proxy)
        for (one, two) in zip(first.devices, second.devices) {
            #expect(one.id == two.id && one.budgetShare == two.budgetShare && one.classes == two.classes)
            #expect(one.stream(step: 9) == two.stream(step: 9))
        }
        #expect(first.devices.map(\.id) != other.devices.map(\.id))
    }

    @Test("keeps to its limits")
    func limits() throws {
        let task = try task(devices: 3, proxyLimit: 45)
        #expect(task.devices.count == 3)
        #expect(task.proxy.count + task.proxyValidation.count == 45)
        #expect(task.proxy.count == 35)
        #expect(code { try self.task(devices: 22) } == .tooFewExamples)
        #expect(
            code {
                try FederatedTask.make(
                    TaskSettings(dataset: .har, skew: .user, samples: 10...20), directory: directory.path)
            } == .tooFewExamples)
    }
}

/// Equal when both parts are.
private func == (one: (train: Examples, test: Examples), other: (train: Examples, test: Examples)) -> Bool {
    one.train == other.train && one.test == other.test
}
