import ECLMCore
import Foundation
import Learning
import Testing

@testable import Experiments

/// The same two rounds on any cloud: unlike budgets, data and importances, real training.
private struct TinyExperiment {
    static let specification = NetworkSpecification(
        model: "tiny", input: [8], classes: 3, stem: StemSpecification(kind: .dense, width: 6),
        layers: [
            LayerSpecification(name: "a", block: .dense, width: 6, modules: 4, inner: 3, innerNorm: false),
            LayerSpecification(name: "b", block: .dense, width: 6, modules: 3, inner: 3, innerNorm: false),
        ],
        selector: SelectorSpecification(widths: [4], topK: 2))

    struct Device {
        var id: String
        var memory: Int64?
        var data: TrainingData
    }

    static func devices() throws -> [Device] {
        try [("one", 4600, [0]), ("two", 6000, [1, 2]), ("three", nil, [0, 1, 2])].enumerated().map { number, device in
            var generator = SplitMix64(seed: UInt64(number))
            let labels = (0..<30).map { device.2[$0 % device.2.count] }
            let values = labels.flatMap { label in
                (0..<8).map { Float(generator.normal() + ($0 % 3 == label ? 2 : 0)) }
            }
            return Device(
                id: device.0, memory: device.1.map(Int64.init),
                data: try TrainingData(shape: [8], values: values, labels: labels))
        }
    }

    /// Three quarters of the whole model's bytes.
    static func sizeCap() throws -> Int64 {
        try prototype().manifest.modules.reduce(0) { $0 + $1.costs.bytes } * 3 / 4
    }

    static func prototype() throws -> CloudPrototype {
        let network = try ModularNetwork(specification, seed: 11)
        // A selector that tells inputs apart, so that importances differ.
        var selector = try network.selector.tensors()
        var generator = SplitMix64(seed: 12)
        for entry in selector.entries.indices where selector.entries[entry].name.hasSuffix("gate") {
            selector.entries[entry].values = selector.entries[entry].values.map { _ in Float(generator.normal()) }
        }
        try network.selector.load(selector)
        var blobs: [Digest: [UInt8]] = [:]
        let modules = try network.slots.map { slot in
            let bytes = try network.tensors(of: slot).safetensors()
            let digest = Digest.of(bytes)
            blobs[digest] = bytes
            return ModelManifest.Module(
                slot: slot, name: slot.defaultName, digest: digest,
                tensors: try SafetensorsFile(bytes: bytes).header.tensors,
                costs: ModuleCosts(
                    bytes: Int64(bytes.count), parameters: 0, flops: 100, peakMemory: slot.layer == nil ? 800 : 1000),
                requirements: Requirements(dtypes: [.f32]), importance: 0.1)
        }
        return CloudPrototype(
            manifest: ModelManifest(
                model: "tiny", summary: "a test",
                layers: [.init(name: "a", block: "dense"), .init(name: "b", block: "dense")], modules: modules),
            blobs: blobs)
    }

    /// What every device composed, and the digests of every module of the last release.
    struct Outcome: Equatable {
        var compositions: [[[Int]]] = []
        var releases: [CloudRelease] = []
    }

    static func run(on cloud: any Cloud, rounds: Int = 2) async throws -> Outcome {
        var outcome = Outcome()
        outcome.releases.append(try await cloud.publish(prototype()))
        for device in try devices() { try await cloud.join(device.id) }
        for round in 0..<rounds {
            for device in try devices() {
                let selector = try Selector(
                    specification, tensors: ModuleTensors(safetensors: try await cloud.selector(for: device.id)))
                let importances = try ImportanceScoring.importances(of: device.data, by: selector)
                // The device without a memory budget has a size cap instead, which what it holds counts against, too.
                let budget = Budget(
                    memory: device.memory, fetchBytes: device.memory == nil ? try sizeCap() : nil)
                let composition = try await cloud.compose(
                    CloudRequest(device: device.id, importances: importances, budget: budget))
                outcome.compositions.append(composition.modules)
                let files = try await cloud.fetch(composition, for: device.id)
                let trained = try train(files, composition.modules, device.data, seed: UInt64(round))
                try await cloud.submit(
                    CloudUpdate(
                        device: device.id, composition: composition, trained: trained, importances: importances,
                        sampleCount: device.data.count))
            }
            outcome.releases.append(try await cloud.closeRound())
        }
        return outcome
    }

    private static func train(
        _ files: [ModuleSlot: [UInt8]], _ modules: [[Int]], _ data: TrainingData, seed: UInt64
    ) throws -> [ModuleSlot: [UInt8]] {
        let network = try ModularNetwork(specification, modules: modules) { slot in
            try ModuleTensors(safetensors: files[slot] ?? [])
        }
        let settings = LocalTrainingSettings(
            training: TrainingSettings(epochs: 2, batch: 8, rate: 0.01, freezesSelector: true), heldOutShare: 0)
        _ = try LocalTraining.train(network, on: data, settings: settings, seed: seed)
        var trained: [ModuleSlot: [UInt8]] = [:]
        for slot in LocalTraining.trainedSlots(of: network, settings: settings) {
            trained[slot] = try network.tensors(of: slot).safetensors()
        }
        return trained
    }
}

@Suite("The cloud over the wire")
struct WireCloudTests {
    private func withServices(_ body: (WireServices, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-wire-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let services = try await WireServices.start(directory: folder)
        do {
            try await body(services, folder)
        } catch {
            await services.stop()
            throw error
        }
        await services.stop()
    }

    @Test("gives the same weights as the cloud in memory, bit for bit, and counts the bytes on its connections")
    func sameWeights() async throws {
        try TensorRuntime.setThreads(1)
        try await withServices { services, folder in
            for encoding in ["int8_delta", "full"] {
                let settings = CloudSettings(encoding: encoding)
                let memory = try InProcessCloud(settings)
                let expected = try await TinyExperiment.run(on: memory)
                #expect(Set(expected.compositions).count > 1)
                #expect(expected.releases[0].digests != expected.releases[2].digests)

                let wire = try WireCloud(settings, services: services, directory: "\(folder)/devices-\(encoding)")
                let found = try await TinyExperiment.run(on: wire)
                #expect(found.compositions == expected.compositions)
                #expect(found.releases == expected.releases)
                for (slot, digest) in found.releases[2].digests {
                    #expect(Digest.of(try await wire.file(of: slot)) == digest)
                }

                let counted = await memory.traffic()
                let connection = await wire.traffic()
                // The connection carries all that, and the protocol around it.
                #expect(connection.up > counted.up)
                #expect(connection.down > counted.down)
                #expect(connection.downWithoutHeld > connection.down)
                #expect((connection.upAsFullWeights == connection.up) == (encoding == "full"))
                await wire.close()
            }
        }
    }

    @Test("explains what does not fit, and wants to be asked in order")
    func refusals() async throws {
        try await withServices { services, folder in
            let wire = try WireCloud(services: services, directory: "\(folder)/devices")
            await #expect(throws: ExperimentError.self) { try await wire.closeRound() }
            let first = try await wire.publish(TinyExperiment.prototype())
            #expect(try await wire.closeRound() == first)
            let request = CloudRequest(
                device: "one", importances: [[1, 1, 1, 1, 1], [1, 1, 1, 1]], budget: Budget(memory: 100))
            let early = await #expect(throws: ExperimentError.self) { try await wire.compose(request) }
            #expect(early?.code == .notReady)
            try await wire.join("one")
            let small = await #expect(throws: ExperimentError.self) { try await wire.compose(request) }
            #expect(small?.code == .infeasible)
            let before = await wire.traffic()
            var trial = request
            trial.budget = Budget()
            trial.isTrial = true
            #expect(try await wire.compose(trial).modules == [[0, 1, 2, 3, 4], [0, 1, 2, 3]])
            #expect(await wire.traffic() == before)
            await wire.close()
        }
    }
}
