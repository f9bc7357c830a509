import Datasets
import Testing

@Suite("A task of some classes a device")
struct ClassTaskTests {
    private let directory: DataDirectory

    init() throws {
        directory = try DataDirectory()
        try directory.writeImages()
    }

    private func task(
        _ skew: Skew = .classes(2), devices: Int? = 8, samples: ClosedRange<Int> = 10...15, seed: UInt64 = 1,
        testLimit: Int = 20
    ) throws -> FederatedTask {
        try .make(
            TaskSettings(
                dataset: .images, skew: skew, devices: devices, samples: samples, seed: seed, testLimit: testLimit),
            directory: directory.path)
    }

    @Test("gives no training picture to two", arguments: [Skew.classes(1), .classes(2), .classes(4), .dirichlet(0.5)])
    func disjointness(skew: Skew) throws {
        let task = try task(skew)
        let proxy = task.pictures(of: task.proxy) + task.pictures(of: task.proxyValidation)
        let all = proxy + task.devices.flatMap { task.pictures(of: $0.train) }
        #expect(Set(all).count == all.count)
        #expect(all.allSatisfy { $0 >= 0 })
        #expect(proxy.count == 120, "30 % of 400")
        #expect(task.proxyValidation.count == 24, "a fifth of it")
        #expect(task.proxySubTasks == task.proxy.labels)
        let cloud = Set(proxy)
        for device in task.devices {
            for step in [0, 1, 2, 3, 7, 50, 1001] {
                let (train, test) = device.stream(step: step)
                #expect(cloud.isDisjoint(with: task.pictures(of: train)))
                #expect(task.pictures(of: test).allSatisfy { $0 < 0 }, "tests are of the test pictures")
                #expect(Set(task.pictures(of: train)).count == device.sampleCount)
                #expect(Set(task.pictures(of: test)).count == test.count)
            }
        }
    }

    @Test("gives a device its classes in equal parts, in training and in tests")
    func shares() throws {
        let task = try task()
        var held = [Int](repeating: 0, count: 4)
        for device in task.devices {
            let counts = device.train.counts(classes: 4)
            #expect(device.classes == counts.indices.filter { counts[$0] > 0 })
            #expect(device.classes.count == 2)
            #expect((10...15).contains(device.train.count))
            #expect(abs(counts[device.classes[0]] - counts[device.classes[1]]) <= 1)
            let tests = device.test.counts(classes: 4)
            #expect(tests.indices.filter { tests[$0] > 0 } == device.classes)
            #expect(device.test.count == 20)
            for label in device.classes { held[label] += 1 }
        }
        #expect(held.allSatisfy { (3...5).contains($0) }, "classes are held about equally often: \(held)")
        #expect(task.devices.map(\.budgetShare).sorted() == [0.2, 0.2, 0.3, 0.3, 0.5, 0.5, 0.75, 1.0])
    }

    @Test("replaces half a step, and one class every four steps", arguments: [Skew.classes(2), .classes(3)])
    func drift(skew: Skew) throws {
        let task = try task(skew)
        for device in task.devices {
            var changes = 0
            var before = device.stream(step: 0)
            #expect(before.train == device.train && before.test == device.test)
            for step in 1...32 {
                let after = device.stream(step: step)
                #expect(after.train.count == device.sampleCount)
                let kept = Set(task.pictures(of: before.train)).intersection(task.pictures(of: after.train)).count
                #expect(abs(2 * kept - device.sampleCount) <= 3, "step \(step)")
                let (old, new) = (Set(before.test.labels), Set(after.test.labels))
                #expect(old.count == device.classes.count && new.count == old.count)
                #expect(new.subtracting(old).count <= 1)
                changes += new == old ? 0 : 1
                before = after
            }
            #expect(changes == 8)
        }
    }

    @Test("costs the same at any step")
    func distantSteps() throws {
        let device = try task().devices[0]
        #expect(device.stream(step: .max).train.count == device.sampleCount)
        let exchanging = try task(.dirichlet(0.3)).devices[0]
        #expect(exchanging.stream(step: .max).train.count == exchanging.sampleCount)
    }

    @Test("draws shares from a Dirichlet distribution: the smaller the concentration, the fewer classes count")
    func dirichlet() throws {
        func largestShare(_ concentration: Double) throws -> Double {
            let devices = try task(.dirichlet(concentration), devices: 12).devices
            return devices.map { Double($0.train.counts(classes: 4).max() ?? 0) / Double($0.sampleCount) }
                .reduce(0, +) / Double(devices.count)
        }
        #expect(try largestShare(0.05) > 0.85)
        #expect(try largestShare(500) < 0.35)
        let device = try task(.dirichlet(0.5)).devices[0]
        let shares = (0..<40).map { device.stream(step: $0).train.counts(classes: 4) }
        #expect(Set(shares).count > 2, "classes exchange their shares")
        #expect(shares.allSatisfy { $0.reduce(0, +) == device.sampleCount })
    }

    @Test("says how many devices would do when there are too few pictures")
    func tooManyDevices() throws {
        let error = try #require(throws: DatasetError.self) { try task(devices: 100) }
        #expect(error.code == .tooFewExamples)
        let words = error.message.split(separator: " ")
        let place = try #require(words.firstIndex(of: "most"))
        let possible = try #require(Int(words[place + 1]))
        #expect(try task(devices: possible).devices.count == possible)
        #expect(code { try task(devices: possible + 1) } == .tooFewExamples)
        #expect(try task(devices: nil).devices.count == possible, "without a number it is as many as can be")
        #expect(code { try task(.classes(1), devices: 1, samples: 80...80) } == .tooFewExamples)
    }

    @Test("is the same for the same settings, and another for another seed")
    func determinism() throws {
        let (first, second, other) = (try task(), try task(), try task(seed: 2))
        #expect(first.proxy == second.proxy && first.proxy != other.proxy)
        for (one, two) in zip(first.devices, second.devices) {
            #expect(one.stream(step: 5).train == two.stream(step: 5).train)
            #expect(one.test == two.test)
        }
        #expect(first.name == "images-classes-2")
    }

    @Test("of speech has channels first, and silence where nobody speaks")
    func speech() throws {
        try directory.writeSpeech()
        let task = try FederatedTask.make(
            TaskSettings(dataset: .speech, skew: .classes(2), devices: 3, samples: 4...6), directory: directory.path)
        #expect(task.exampleShape == [13, 1, 92])
        func first(_ examples: Examples) -> [Int] {
            (0..<examples.count).map { index in
                let value = examples.values(of: index).first ?? 0
                return Int((value * task.normalisation.deviation[0] + task.normalisation.mean[0]).rounded()) - 1
            }
        }
        let training = first(task.proxy) + first(task.proxyValidation) + task.devices.flatMap { first($0.train) }
        #expect(Set(training).count == training.count)
        #expect(Set(training).isDisjoint(with: task.devices.flatMap { first($0.test) }))
        let values = Array(task.proxy.values(of: 0))
        let (mean, deviation) = (task.normalisation.mean[4], task.normalisation.deviation[4])
        #expect(abs((values[4 * 92 + 1] - values[4 * 92]) * deviation - 2) < 1e-3, "coefficient 4, frames 1 and 0")
        #expect(mean > 3)
        #expect(values[(4 * 92 + 2)..<(5 * 92)].allSatisfy { $0 == 0 })
    }
}
