import ECLMCore
import Learning
import TestSupport
import Testing

@Suite("edgectl report")
struct ReportCommandTests {
    private struct Report: Decodable {
        var release: Int
        var canaries: Int
    }

    @Test("counts where a canary runs, says so where none does, and refuses what is no number")
    func reports() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let report = ["report", "--model", "toy", "--metric", "accuracy=0.9"]
            let early = try await bench.edgectl(state, report).finish()
            #expect(early.status != 0 && early.errors.contains("pull"), "\(early.errors)")
            let pulled = try await bench.edgectl(state, ["pull", "--model", "toy"]).finish()
            #expect(pulled.status == 0, "\(pulled.errors)")
            let none = try await bench.edgectl(state, report).finish()
            #expect(none.status == 0, "\(none.errors)")
            #expect(none.output.contains("No canary"))
            for wrong in ["accuracy=high", "accuracy=nan", "accuracy"] {
                let refused = try await bench.edgectl(state, ["report", "--model", "toy", "--metric", wrong]).finish()
                #expect(refused.status == 64, "\(wrong): \(refused.errors)")
            }

            var changed = try AdaptationBench.prototype.get()
            let head = try SafetensorsFile(bytes: #require(changed[.head]))
            var builder = SafetensorsBuilder()
            for tensor in head.tensors {
                try builder.add(tensor.name, shape: tensor.shape, floats: tensor.floats().map { $0 * 0.5 })
            }
            changed[.head] = try builder.build()
            #expect(try await bench.publish(changed) == 2)
            let started = try await Program(
                "registryctl",
                [
                    "canary", "start", "toy", "--release", "1", "--metric", "accuracy", "--margin", "0.1", "--reason",
                    "test", "--actor", "alice", "--database", bench.database.connectionString,
                ]
            ).finish()
            #expect(started.status == 0, "\(started.errors)")
            // Whichever arm the device is in, it pulls what the canary gives it and its first report counts.
            let again = try await bench.edgectl(state, ["pull", "--model", "toy"]).finish()
            #expect(again.status == 0, "\(again.errors)")
            let result = try await bench.edgectl(state, report + ["--output", "json"]).finish()
            #expect(result.status == 0, "\(result.errors)")
            #expect(try result.json(Report.self).canaries == 1)
        }
    }

    @Test("knows where the sub-model was pulled to, and asks where several releases lie around")
    func elsewhere() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let report = ["report", "--model", "toy", "--metric", "accuracy=0.9", "--output", "json"]
            func pull(_ arguments: String...) async throws {
                let pulled = try await bench.edgectl(state, ["pull", "--model", "toy"] + arguments).finish()
                #expect(pulled.status == 0, "\(pulled.errors)")
            }
            try await pull("--out", state + "/one")
            let one = try await bench.edgectl(state, report).finish()
            #expect(one.status == 0, "\(one.errors)")
            #expect(try one.json(Report.self).release == 1)

            var changed = try AdaptationBench.prototype.get()
            let head = try SafetensorsFile(bytes: #require(changed[.head]))
            var builder = SafetensorsBuilder()
            for tensor in head.tensors {
                try builder.add(tensor.name, shape: tensor.shape, floats: tensor.floats().map { $0 * 0.5 })
            }
            changed[.head] = try builder.build()
            #expect(try await bench.publish(changed) == 2)
            try await pull("--release", "2", "--out", state + "/two")
            let torn = try await bench.edgectl(state, report).finish()
            #expect(torn.status == 4 && torn.errors.contains("several releases"), "\(torn.errors)")
            let two = try await bench.edgectl(state, report + ["--sub-model", state + "/two"]).finish()
            #expect(try two.json(Report.self).release == 2)
            let both = try await bench.edgectl(state, report + ["--sub-model", state + "/two", "--release", "1"])
                .finish()
            #expect(both.status == 64)
        }
    }
}
