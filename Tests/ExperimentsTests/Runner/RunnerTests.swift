import Datasets
import ECLMCore
import Foundation
import Learning
import Synchronization
import Testing

@testable import Experiments

@Suite("Jobs and what is kept of them")
struct RunnerTests {
    @Test("Jobs run a given number at a time, each on one thread of its own")
    func jobsAreBounded() async throws {
        struct State {
            var running = 0
            var most = 0
            var threads: [Set<String>] = []
        }
        let state = Mutex(State())
        let jobs = (0..<6).map { number in
            JobPool.Job(name: "job-\(number)") {
                state.withLock {
                    $0.running += 1
                    $0.most = max($0.most, $0.running)
                }
                var threads: Set<String> = []
                for _ in 0..<5 {
                    threads.insert(currentThread())
                    await Task.yield()
                }
                state.withLock {
                    $0.running -= 1
                    $0.threads.append(threads)
                }
            }
        }
        try await JobPool(width: 2).run(jobs)
        let end = state.withLock { $0 }
        #expect(end.most <= 2)
        #expect(end.threads.count == 6)
        #expect(end.threads.allSatisfy { $0.count == 1 })
    }

    @Test("A failing job ends the others and is the error")
    func failuresEndAll() async throws {
        struct Broken: Error {}
        let started = Mutex(0)
        let jobs =
            [JobPool.Job(name: "broken") { throw Broken() }]
            + (0..<20).map { _ in JobPool.Job(name: "other") { started.withLock { $0 += 1 } } }
        await #expect(throws: Broken.self) { try await JobPool(width: 1).run(jobs) }
        #expect(started.withLock { $0 } < 20)
    }

    @Test("What is kept is found again under the same settings, and not under others or where it is damaged")
    func storeKeeps() throws {
        let directory = try TemporaryDirectory()
        func store(_ fingerprint: String) throws -> RunStore {
            try RunStore(root: directory.path, experiment: "e", row: "r", seed: 1, fingerprint: fingerprint)
        }
        try store("one").save([1, 2], as: "value")
        #expect(try store("one").load("value", as: [Int].self) == [1, 2])
        #expect(try store("two").load("value", as: [Int].self) == nil)
        try store("one").write([0x7B], to: "value.json")
        #expect(try store("one").load("value", as: [Int].self) == nil)
    }

    @Test("Weights come back from a file as they were")
    func weightsRoundTrip() throws {
        let weights = try NetworkWeights(of: ModularNetwork(SmallFleet.network, seed: 9))
        let slots = Array(weights.tensors.keys)
        let read = try NetworkWeights(file: weights.file(), modules: weights.modules, slots: slots)
        #expect(read.tensors == weights.tensors)
    }

    @Test("Pseudo-devices have the classes and budgets of devices, and never test on what they learn from")
    func pseudoDevices() throws {
        let data = try SmallFleet.examples([0, 1, 2, 3], count: 200, seed: 4)
        let examples = try Examples(shape: [8], values: data.values, labels: data.labels)
        let task = TaskSettings(dataset: .images, skew: .classes(2), samples: 20...30)
        let devices = try PseudoDevices.make(
            5, from: examples, task: task, classes: 4, random: SplitMix64(seed: 2))
        #expect(devices.map(\.budgetShare) == task.budgetShares)
        for device in devices {
            #expect(Set(device.train.labels).count == 2)
            #expect(Set(device.test.labels) == Set(device.train.labels))
            #expect((20...30).contains(device.train.count))
            func rows(_ data: TrainingData) -> Set<[Float]> {
                Set((0..<data.count).map { Array(data.values[$0 * 8..<($0 + 1) * 8]) })
            }
            #expect(rows(device.train).isDisjoint(with: rows(device.test)))
        }
    }

    @Test("Every experiment of every preset is valid, and reads back from its JSON")
    func presetsAreValid() throws {
        for name in ExperimentSettings.names {
            for preset in ExperimentPreset.allCases {
                let settings = try ExperimentSettings.named(name, preset: preset)
                let json = try JSONEncoder().encode(settings)
                let read = try JSONDecoder().decode(ExperimentSettings.self, from: json).validated()
                #expect(read.rows.map(\.key) == settings.rows.map(\.key))
                #expect(read.federation == settings.federation)
            }
        }
        #expect(throws: ExperimentError.self) { try ExperimentSettings.named("audio", preset: .smoke) }
        let images = try ExperimentSettings.named("images", preset: .smoke)
        #expect(throws: ExperimentError.self) { try images.narrowed(rows: ["m9"], methods: nil, seeds: nil) }
        #expect(throws: ExperimentError.self) {
            try images.narrowed(rows: nil, methods: [MethodCode(rawValue: "magic")], seeds: nil)
        }
        #expect(try images.narrowed(rows: ["m5"], methods: [.ours], seeds: 3).seeds == [1, 2, 3])
    }
}

/// What tells the thread that calls it from others.
private func currentThread() -> String { "\(ObjectIdentifier(Thread.current))" }
