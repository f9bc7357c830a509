import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

/// Rounds of differences that are the same whoever else takes part, for one model and its twin.
struct Story: Sendable {
    var bench: Bench

    private static let encodings: [UpdateEncoding] = [.delta, .int8Delta, .sparseDelta]

    /// A model with the same weights under the name `twin`.
    static func twin(of model: ModelFixture, in database: TestDatabase) async throws -> ModelFixture {
        try await ModelFixture.publish(in: database, name: "twin", width: model.hiddenWidth)
    }

    /// Submits differences to three modules, which depend on device and round alone.
    @discardableResult
    func submit(
        to model: ModelFixture, from device: String, round: Int, release: Int? = nil
    ) async throws -> UpdateID {
        let seed = device.utf8.reduce(UInt64(round + 1) * 1_000_003) { $0 &* 31 &+ UInt64($1) }
        let first = try await model.versions(release: .number(1))
        var trained: [ModelFixture.Trained] = []
        for (position, module) in ["stem0", "l0.m00", "l1.m01"].enumerated() {
            let encoding = Self.encodings[(round + position + device.utf8.count) % 3]
            let base = try await model.bytes(try #require(first[module]).digest)
            var residual: UpdateResidual?
            let file = try UpdateEncoder.encode(
                trained: try model.weights(of: module, seed: seed &+ UInt64(position)), base: base, as: encoding,
                fraction: 0.3, residual: &residual)
            trained.append(
                .init(
                    module, importance: Double(seed % 7) + 0.25, samples: Int64(seed % 11) + 1, bytes: file,
                    encoding: encoding))
        }
        return try await model.submit(trained, from: device, release: release)
    }

    /// A round of everything that is pending.
    func round(of model: ModelFixture) async throws {
        let outcome = try #require(try await bench.trainer.runRound(model: model.name))
        #expect(outcome.quarantined.isEmpty, "\(outcome.quarantined)")
    }

    @discardableResult
    func forget(_ device: String, since: DeviceRemoval.Start? = nil) async throws -> ForgetOutcome {
        try await DeviceForgetter(registry: bench.model.registry).forget(
            DeviceRemoval(device: device, since: since), in: bench.model.name, channel: "stable",
            as: Provenance(actor: "operator", reason: "compromised"))
    }

    func plan(_ device: String, since: DeviceRemoval.Start? = nil) async throws -> ForgetOutcome {
        try await DeviceForgetter(registry: bench.model.registry).plan(
            DeviceRemoval(device: device, since: since), in: bench.model.name, channel: "stable")
    }

    /// The current weights of a module.
    func base(of model: ModelFixture, _ module: String) async throws -> [UInt8] {
        try await model.bytes(try #require(try await model.versions()[module]).digest)
    }

    /// A difference that is the same number for every weight.
    static func shifted(_ base: [UInt8], by shift: Float) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        for tensor in try SafetensorsFile(bytes: base).tensors where tensor.dtype.isFloatingPoint {
            try builder.add(
                tensor.name, shape: tensor.shape, floats: [Float](repeating: shift, count: tensor.elementCount))
        }
        return try builder.build()
    }

    func expectEqual(_ one: ModelFixture, _ other: ModelFixture) async throws {
        let (left, right) = (try await one.versions(), try await other.versions())
        #expect(left.mapValues(\.digest) == right.mapValues(\.digest))
    }

    /// Nothing that the channel carries comes from the device, and the records are whole.
    func expectForgotten(_ device: String) async throws {
        let carried = try await bench.database.pool.query(
            """
            SELECT d.module FROM eclm.device_versions(\(device)) d
            JOIN eclm.release_modules rm USING (module_version_id)
            JOIN eclm.channels c USING (release_id)
            WHERE c.name = 'stable' AND d.model = \(bench.model.name)
            """)
        #expect(carried.isEmpty)
        let ancestors = try await bench.database.pool.query(
            """
            SELECT a.update_id FROM eclm.channels c JOIN eclm.models mo USING (model_id)
            JOIN eclm.release_modules rm USING (release_id)
            CROSS JOIN LATERAL eclm.ancestors(rm.module_version_id) a
            WHERE mo.name = \(bench.model.name) AND c.name = 'stable' AND a.device_id = \(device)
            """)
        #expect(ancestors.isEmpty)
        #expect(try await bench.count("SELECT count(*) FROM eclm.lineage_problems") == 0)
        #expect(try await bench.count("SELECT count(*) FROM eclm.update_accounting WHERE problem IS NOT NULL") == 0)
        #expect(
            try await bench.count(
                """
                SELECT count(*) FROM eclm.audit WHERE action = 'recomputation.insert' AND actor = 'operator'
                    AND detail ->> 'device_id' = \(device) AND detail ->> 'reason' = 'compromised'
                """) >= 1)
        #expect(try await bench.auditIsWhole())
    }

    /// Every round, and every version that was recomputed of it, comes out again.
    func expectReplayed(rounds: Int) async throws {
        var recomputed = 0
        for round in 1...rounds {
            let replay = try await RoundReplayer(registry: bench.model.registry).replay(
                round: round, of: bench.model.name)
            #expect(replay.isEqual, "\(replay)")
            recomputed += replay.modules.filter { $0.withoutDevice != nil }.count
        }
        #expect(try await bench.count("SELECT count(*) FROM eclm.recomputed_versions") == Int64(recomputed))
    }
}
