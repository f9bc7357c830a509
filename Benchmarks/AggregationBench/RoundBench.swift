import ArgumentParser
import ECLMCore
import Foundation
import Logging
import PostgreSQL
import Registry
import Trainer

/// Measures a round from claim to commit beside COPY of the same bytes: every update's out of the database, and those of
/// the new versions out and in again.
struct RoundBench {
    let updates: Int
    let parameters: Int
    /// How many experts share the parameters.
    let experts: Int

    /// The figures of the fastest of so many rounds and copies, in turn; the database is that of libpq's environment.
    func measure(repetitions: Int) async throws -> [String: Any] {
        let pool = PostgresPool(configuration: PostgresConfiguration(connectionString: ""))
        do {
            let line = try await measure(repetitions, pool)
            await pool.shutdown()
            return line
        } catch {
            await pool.shutdown()
            throw error
        }
    }

    private func measure(_ repetitions: Int, _ pool: PostgresPool) async throws -> [String: Any] {
        var quiet = Logger(label: "bench")
        quiet.logLevel = .error
        let registry = Registry(pool: pool, blobs: BlobStore(pool: pool), logger: quiet)
        let model = "round-\(UInt32.random(in: 0 ... .max))"
        try await publish(model, to: registry)
        let trainer = try Trainer(registry: registry, name: "bench", logger: quiet)
        try await pool.query("CREATE UNLOGGED TABLE IF NOT EXISTS copied (number int, data bytea)")
        try await pool.query("ALTER TABLE copied ALTER COLUMN data SET STORAGE EXTERNAL")
        var (seconds, copying) = (Double.infinity, Double.infinity)
        var (peak, read, written) = (0, Int64(0), Int64(0))
        for repetition in 0..<repetitions {
            read = try await submit(to: registry, model, repetition)
            let before = Memory.resetPeak()
            let start = ContinuousClock.now
            let outcome = try await trainer.runRound(model: model)
            seconds = min(seconds, start.duration(to: .now) / .seconds(1))
            peak = max(peak, Memory.peak() - before)
            guard let outcome, outcome.updates.count == updates, outcome.newVersions == experts else {
                throw ValidationError("the round did not take the updates")
            }
            written = outcome.bytes
            copying = min(copying, try copy(model))
            try await pool.query("TRUNCATE copied")
        }
        let bytes = Double(read + written)
        return [
            "benchmark": "round", "updates": updates, "parameters": parameters, "experts": experts,
            "seconds": rounded(seconds),
            "copy_seconds": rounded(copying), "ratio_to_copy": rounded(copying / seconds),
            "gigabytes_per_second": rounded(bytes / seconds / 1e9), "peak_mib": rounded(Double(peak) / 1_048_576),
            "model_mib": rounded(Double(parameters * 4) / 1_048_576),
            "block_memory_mib": rounded(Double(TrainerPolicy().blockMemory) / 1_048_576),
        ]
    }

    /// The seconds that psql takes to copy what the newest round read and wrote.
    private func copy(_ model: String) throws -> Double {
        let newest = """
            round_id = (SELECT max(round_id) FROM eclm.rounds JOIN eclm.models USING (model_id) WHERE name = '\(model)')
            """
        func chunks(_ digests: String) -> String {
            "COPY (SELECT number, data FROM eclm.blob_chunks JOIN eclm.blobs USING (storage_id) WHERE digest IN "
                + "(\(digests))) TO STDOUT (FORMAT binary)"
        }
        let updates = chunks(
            "SELECT m.digest FROM eclm.update_modules m JOIN eclm.round_updates u USING (update_id) WHERE u.\(newest)")
        let versions = chunks("SELECT digest FROM eclm.module_versions WHERE \(newest)")
        let start = ContinuousClock.now
        try shell("psql -Xqc \"$1\" > /dev/null", updates)
        try shell("psql -Xqc \"$1\" | psql -Xqc 'COPY copied FROM STDIN (FORMAT binary)'", versions)
        return start.duration(to: .now) / .seconds(1)
    }

    private func shell(_ command: String, _ argument: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-o", "pipefail", "-c", command, "copy", argument]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ValidationError("psql failed: \(command)") }
    }

    private func file(_ count: Int, _ generator: inout SplitMix64) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        // Uniform in -1..<1: no two files are equal.
        let values = (0..<count).map { _ in Float(Int32(truncatingIfNeeded: generator.next()) >> 8) * 0x1p-23 }
        try builder.add("w", shape: [count], dtype: .f32, floats: values)
        return try builder.build()
    }

    private func publish(_ model: String, to registry: Registry) async throws {
        var generator = SplitMix64(seed: 1)
        var slots = [
            ModuleSlot(kind: .stem, layer: nil, index: 0), ModuleSlot(kind: .head, layer: nil, index: 0),
            ModuleSlot(kind: .selector, layer: nil, index: 0),
        ]
        for index in 0..<experts { slots.append(ModuleSlot(kind: .expert, layer: 0, index: index)) }
        var modules: [ModelManifest.Module] = []
        for slot in slots {
            let bytes = try file(slot.kind == .expert ? parameters / experts : 16, &generator)
            let digest = Digest.of(bytes)
            try await registry.blobs.put(bytes, digest: digest)
            modules.append(
                ModelManifest.Module(
                    slot: slot, name: slot.defaultName, digest: digest, tensors: [],
                    costs: ModuleCosts(bytes: 0, parameters: 0, flops: 1000, peakMemory: 4096),
                    requirements: Requirements(
                        dtypes: [.f32], operators: ["linear"], minimumRuntime: RuntimeVersion(1, 2, 3)),
                    importance: 0.5))
        }
        let manifest = ModelManifest(
            model: model, summary: "measured", layers: [.init(name: "blocks.0", block: "feed_forward")],
            modules: modules)
        _ = try await registry.publish(manifest, channel: "stable", as: Provenance(actor: "bench"))
        _ = try await registry.defineDeviceClass(
            "bench",
            traits: DeviceTraits(
                memory: 1 << 30, flops: 1 << 40, dtypes: [.f32], operators: ["linear"], runtime: RuntimeVersion(2)),
            as: Provenance(actor: "bench"))
    }

    /// - Returns: The bytes of all updates' blobs.
    private func submit(to registry: Registry, _ model: String, _ seed: Int) async throws -> Int64 {
        let release = try await registry.release(of: model, .standard).number
        var generator = SplitMix64(seed: UInt64(1000 + seed))
        var bytes: Int64 = 0
        for number in 0..<updates {
            let device = "bench-\(number)"
            _ = try await registry.register(
                DeviceRegistration(
                    deviceID: device, deviceClass: "bench", token: Digest.of(Array(device.utf8)).bytes),
                as: Provenance(actor: device))
            var modules: [UpdateSubmission.Module] = []
            for index in 0..<experts {
                let file = try file(parameters / experts, &generator)
                let digest = Digest.of(file)
                try await registry.blobs.put(file, digest: digest)
                bytes += Int64(file.count)
                modules.append(
                    UpdateSubmission.Module(
                        module: ModuleSlot(kind: .expert, layer: 0, index: index).defaultName, baseVersion: seed + 1,
                        digest: digest, encoding: .full, importance: Double(1 + number % 7),
                        sampleCount: 10))
            }
            _ = try await registry.submit(
                UpdateSubmission(
                    deviceID: device, model: model, baseRelease: release, idempotencyKey: UUID().uuidString,
                    sampleCount: 10, modules: modules))
        }
        return bytes
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
