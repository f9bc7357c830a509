import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Bad updates are quarantined with a reason")
struct QuarantineTests {
    /// Submits a bad and a good update, runs a round, and returns the bad one's reason.
    private func reason(_ bench: Bench, _ submit: () async throws -> UpdateID) async throws -> String {
        let bad = try await submit()
        let good = try await bench.model.submit([.init("l0.m00")], from: "good", seed: 99)
        let outcome = try #require(try await bench.round())
        #expect(outcome.updates == [good])
        #expect(outcome.quarantined.map(\.updateID) == [bad])
        #expect(try await bench.status(bad) == .quarantined)
        #expect(try await bench.status(good) == .aggregated)
        // The good one alone made the version.
        let version = try #require(try await bench.model.versions()["l0.m00"])
        let weights = try bench.model.weights(of: "l0.m00", seed: 99_000)
        #expect(try await bench.model.tensors(version.digest) == ModelFixture.tensors(in: weights))
        let reason = try await bench.reason(bad)
        #expect(reason == outcome.quarantined.first?.reason)
        return try #require(reason)
    }

    private func poisoned(_ model: ModelFixture, _ value: Float, at element: Int) throws -> [UInt8] {
        var bytes = try model.weights(of: "l0.m00", seed: 5)
        let entry = try #require(try SafetensorsFile(bytes: bytes).header["up.weight"])
        let size = model.dtype.byteCount
        let start = entry.byteRange.lowerBound + element * size
        bytes.replaceSubrange(start..<(start + size), with: model.dtype.encode([value]))
        return bytes
    }

    @Test("NaN, wherever it is", arguments: [ElementType.f32, .f16, .bf16, .f64])
    func nan(dtype: ElementType) async throws {
        try await withBench(dtype: dtype) { bench in
            let reason = try await reason(bench) {
                try await bench.model.submit(
                    [.init("l0.m00", bytes: try poisoned(bench.model, .nan, at: 17)), .init("stem0")], from: "bad")
            }
            #expect(reason == "module l0.m00: tensor up.weight holds NaN at element 17")
            // As a whole: the good module of the bad update does not count either.
            #expect(try await bench.model.versions()["stem0"]?.version == 1)
        }
    }

    @Test("infinity, also far behind the first chunk")
    func infinity() async throws {
        try await withBench(width: 70_001) { bench in
            let reason = try await reason(bench) {
                try await bench.model.submit(
                    [.init("l0.m00", bytes: try poisoned(bench.model, -.infinity, at: 270_000))], from: "bad")
            }
            #expect(reason.contains("up.weight holds infinity at element 270000"))
        }
    }

    @Test("a wrong shape that came past the border")
    func shape() async throws {
        try await withBench { bench in
            let reason = try await reason(bench) {
                var builder = SafetensorsBuilder()
                try builder.add("up.weight", shape: [4, 8], floats: [Float](repeating: 1, count: 32))
                try builder.add("up.bias", shape: [8], floats: [Float](repeating: 1, count: 8))
                return try await bench.model.insertUnchecked([.init("l0.m00", bytes: builder.build())], from: "bad")
            }
            #expect(reason.contains("up.weight") && reason.contains("[4, 8]") && reason.contains("[8, 4]"))
        }
    }

    @Test("bytes that are no weights")
    func garbage() async throws {
        try await withBench { bench in
            let reason = try await reason(bench) {
                try await bench.model.insertUnchecked(
                    [.init("l0.m00", bytes: Array("not a safetensors file".utf8))], from: "bad")
            }
            #expect(reason.contains("l0.m00") && reason.contains("no acceptable file"))
        }
    }

    @Test("a base release that was rolled back")
    func withdrawnRelease() async throws {
        try await withBench { bench in
            try await bench.model.submit([.init("l1.m00")], from: "first")
            _ = try await bench.round()
            let reason = try await reason(bench) {
                let update = try await bench.model.submit([.init("l0.m00")], from: "bad")
                _ = try await bench.model.registry.rollback(
                    bench.model.name, channel: "stable", to: .release(1),
                    as: Provenance(actor: "operator", reason: "a test"))
                return update
            }
            #expect(reason == "base release 2 was rolled back")
        }
    }

    @Test("a base version that was rolled back")
    func withdrawnVersion() async throws {
        try await withBench { bench in
            try await bench.model.submit([.init("l0.m00"), .init("l1.m00")], from: "first")
            _ = try await bench.round()
            let reason = try await reason(bench) {
                let update = try await bench.model.submit([.init("l1.m00")], from: "bad")
                _ = try await bench.model.registry.rollback(
                    bench.model.name, channel: "stable", to: .modules(["l1.m00": 1]),
                    as: Provenance(actor: "operator", reason: "a test"))
                return update
            }
            #expect(reason.contains("rolled back"))
        }
    }

    @Test("all of them bad makes no round and no release")
    func allBad() async throws {
        try await withBench { bench in
            let bytes = try poisoned(bench.model, .nan, at: 0)
            let update = try await bench.model.submit([.init("l0.m00", bytes: bytes)], from: "bad")
            let outcome = try #require(try await bench.round())
            #expect(outcome.round == nil)
            #expect(outcome.release == nil)
            #expect(try await bench.status(update) == .quarantined)
            #expect(try await bench.round() == nil)
            #expect(try await bench.count("SELECT count(*) FROM eclm.rounds") == 0)
            #expect(try await bench.count("SELECT count(*) FROM eclm.releases") == 1)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("one that makes every round fail, while the others count")
    func poison() async throws {
        try await withBench { bench in
            var ids: [UpdateID] = []
            for device in 0..<6 {
                ids.append(
                    try await bench.model.submit([.init("l0.m00")], from: "device-\(device)", seed: UInt64(device)))
            }
            let poison = ids[3]
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            IF NEW.update_id = \(poison) THEN RAISE EXCEPTION 'this update cannot be counted'; END IF;
                            RETURN NEW;
                        END $$;
                        CREATE TRIGGER poison BEFORE INSERT ON eclm.round_updates
                            FOR EACH ROW EXECUTE FUNCTION poison();
                        """)
            }
            var rounds = 0
            while try await bench.round() != nil {
                rounds += 1
                try #require(rounds < 20)
            }
            for id in ids where id != poison { #expect(try await bench.status(id) == .aggregated) }
            #expect(try await bench.status(poison) == .quarantined)
            #expect(try await bench.reason(poison)?.contains("this update cannot be counted") == true)
        }
    }
}
