import ECLMCore
import Learning
import Testing

@testable import Experiments

@Suite("The cloud in memory")
struct InProcessCloudTests {
    private let importances = [[0.3, 0.2, 0.2, 0.1, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1]]

    private func prototype() throws -> CloudPrototype {
        let publication = try NetworkPublication(ModularNetwork(SmallFleet.network, seed: 3))
        return CloudPrototype(manifest: publication.manifest, blobs: publication.blobs)
    }

    private func pull(
        _ cloud: InProcessCloud, _ device: String, share: Double = 1
    ) async throws -> (CloudComposition, [ModuleSlot: [UInt8]]) {
        _ = try await cloud.selector(for: device)
        let composition = try await cloud.compose(
            CloudRequest(
                device: device, importances: importances,
                budget: Budget(fetchBytes: SmallFleet.costs().cap(share: share))))
        return (composition, try await cloud.fetch(composition, for: device))
    }

    /// The files with all values moved.
    private func moved(_ files: [ModuleSlot: [UInt8]], by delta: Float) throws -> [ModuleSlot: [UInt8]] {
        try files.filter { $0.key.kind != .selector }.mapValues { bytes in
            var tensors = try ModuleTensors(safetensors: bytes)
            for index in tensors.entries.indices {
                tensors.entries[index].values = tensors.entries[index].values.map { $0 + delta }
            }
            return try tensors.safetensors(metadata: SafetensorsFile(bytes: bytes).header.metadata)
        }
    }

    @Test("takes the most important modules that fit, and never more than the budget")
    func composes() async throws {
        let cloud = try InProcessCloud()
        _ = try await cloud.publish(prototype())
        await cloud.join("a")
        let (small, _) = try await pull(cloud, "a", share: 0.5)
        #expect(try small.bytes <= SmallFleet.costs().cap(share: 0.5))
        #expect(small.modules.allSatisfy { $0.first == 0 })
        let (whole, files) = try await pull(cloud, "a")
        #expect(whole.modules == [Array(0..<6), Array(0..<4)])
        #expect(Set(files.keys) == Set(whole.digests.keys))
    }

    @Test("sends what a device holds only once, and counts what it would be otherwise")
    func countsDownloads() async throws {
        let cloud = try InProcessCloud()
        _ = try await cloud.publish(prototype())
        await cloud.join("a")
        let (composition, _) = try await pull(cloud, "a")
        let once = await cloud.traffic()
        #expect(once.down == composition.bytes)
        let (again, _) = try await pull(cloud, "a")
        let twice = await cloud.traffic()
        #expect(again.fetchBytes == 0)
        #expect(twice.down == once.down)
        #expect(twice.downWithoutHeld == 2 * composition.bytes)
    }

    @Test("sends everything again to devices that keep nothing")
    func countsWithoutHolding() async throws {
        let cloud = try InProcessCloud(CloudSettings(encoding: "full", holdsModules: false))
        _ = try await cloud.publish(prototype())
        await cloud.join("a")
        let (composition, _) = try await pull(cloud, "a")
        _ = try await pull(cloud, "a")
        #expect(await cloud.traffic().down == 2 * composition.bytes)
    }

    @Test("folds full updates into the importance-weighted mean, module by module")
    func aggregates() async throws {
        let cloud = try InProcessCloud(CloudSettings(encoding: "full"))
        let first = try await cloud.publish(prototype())
        for (device, delta, samples) in [("a", Float(1), 10), ("b", 2, 30)] {
            await cloud.join(device)
            let (composition, files) = try await pull(cloud, device)
            try await cloud.submit(
                CloudUpdate(
                    device: device, composition: composition, trained: moved(files, by: delta),
                    importances: importances.map { $0.map { device == "a" ? 3 * $0 : $0 } }, sampleCount: samples))
        }
        let slot = ModuleSlot(kind: .expert, layer: 0, index: 2)
        let before = try await ModuleTensors(safetensors: cloud.file(of: slot))
        let stem = try await ModuleTensors(safetensors: cloud.file(of: .head))
        let second = try await cloud.closeRound()
        #expect(second.number == first.number + 1)
        #expect(second.digests[.selector] == first.digests[.selector])
        // Importances 3 : 1 make (3 · 1 + 1 · 2) / 4 of the module, samples 10 : 30 make 1.75 of the head.
        let after = try await ModuleTensors(safetensors: cloud.file(of: slot))
        for (old, new) in zip(before.entries[0].values, after.entries[0].values) {
            #expect(abs(new - old - 1.25) < 1e-5)
        }
        let head = try await ModuleTensors(safetensors: cloud.file(of: .head))
        for (old, new) in zip(stem.entries[0].values, head.entries[0].values) { #expect(abs(new - old - 1.75) < 1e-5) }
    }

    @Test("takes int8 differences in about a quarter of the bytes, and stays close to full updates")
    func encodes() async throws {
        let clouds = try ["full", "int8_delta"].map { try InProcessCloud(CloudSettings(encoding: $0)) }
        for cloud in clouds {
            _ = try await cloud.publish(prototype())
            await cloud.join("a")
            for round in 1...3 {
                let (composition, files) = try await pull(cloud, "a")
                try await cloud.submit(
                    CloudUpdate(
                        device: "a", composition: composition, trained: moved(files, by: 0.1 * Float(round)),
                        importances: importances, sampleCount: 5))
                _ = try await cloud.closeRound()
            }
        }
        let slot = ModuleSlot(kind: .expert, layer: 1, index: 0)
        let (full, coded) = try await (clouds[0].file(of: slot), clouds[1].file(of: slot))
        for (a, b) in zip(
            try ModuleTensors(safetensors: full).entries, try ModuleTensors(safetensors: coded).entries)
        {
            for (x, y) in zip(a.values, b.values) { #expect(abs(x - y) < 0.01) }
        }
        let traffic = await clouds[1].traffic()
        #expect(traffic.up < traffic.upAsFullWeights)
    }

    @Test("gives the same release for the same calls")
    func isDeterministic() async throws {
        var releases: [CloudRelease] = []
        for _ in 0..<2 {
            let cloud = try InProcessCloud()
            _ = try await cloud.publish(prototype())
            for device in ["a", "b"] {
                await cloud.join(device)
                let (composition, files) = try await pull(cloud, device, share: device == "a" ? 0.5 : 1)
                try await cloud.submit(
                    CloudUpdate(
                        device: device, composition: composition, trained: moved(files, by: 0.3),
                        importances: importances, sampleCount: 7))
            }
            releases.append(try await cloud.closeRound())
        }
        #expect(releases[0] == releases[1])
    }

    @Test("says what is wrong: an unknown encoding, device or order, a damaged prototype, a budget for nothing")
    func refuses() async throws {
        #expect(throws: ExperimentError.self) { try InProcessCloud(CloudSettings(encoding: "morse")) }
        let cloud = try InProcessCloud()
        await #expect(throws: ExperimentError.self) { try await cloud.selector(for: "a") }
        var damaged = try prototype()
        let victim = damaged.manifest.modules[0].digest
        damaged.blobs[victim]?[100] ^= 1
        await #expect(throws: ExperimentError.self) { try await cloud.publish(damaged) }
        _ = try await cloud.publish(prototype())
        await #expect(throws: ExperimentError.self) { try await cloud.publish(prototype()) }
        await #expect(throws: ExperimentError.self) { try await cloud.selector(for: "stranger") }
        await cloud.join("a")
        do {
            _ = try await cloud.compose(
                CloudRequest(device: "a", importances: importances, budget: Budget(fetchBytes: 10)))
            Issue.record("10 bytes are not enough")
        } catch let error as ExperimentError {
            #expect(error.code == .infeasible)
        }
    }
}
