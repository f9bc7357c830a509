import Composition
import ECLMCore
import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Measured costs")
struct MeasuredCostTests {
    private let alice = Provenance(actor: "alice")
    private let expert = ModuleSlot(kind: .expert, layer: 0, index: 1)
    private let stem = ModuleSlot(kind: .stem, layer: nil, index: 0)

    @Test("reach compositions of the class they were measured on, and only what changed is written")
    func recorded() async throws {
        try await withDatabase { database in
            let fixture = try await ModelFixture.publish(in: database)
            let registry = fixture.registry
            let release = try await registry.release(of: "mlp", .standard)
            let costs = [
                expert: CostMeasurement(memory: 12_345, flops: 678), stem: CostMeasurement(memory: 9, flops: 8),
            ]
            #expect(
                try await registry.recordCosts(costs, on: ModelFixture.deviceClass, of: release, as: alice) == 2)
            #expect(
                try await registry.recordCosts(costs, on: ModelFixture.deviceClass, of: release, as: alice) == 0)
            let slower = [expert: CostMeasurement(memory: 12_345, flops: 700, latencyMicroseconds: 31)]
            #expect(
                try await registry.recordCosts(slower, on: ModelFixture.deviceClass, of: release, as: alice) == 1)
            let rows = try await database.pool.query(
                "SELECT memory, flops, latency_us, measured_by FROM eclm.costs ORDER BY memory DESC")
            #expect(rows.count == 2)
            #expect(try rows.first?.decode("memory", as: Int64.self) == 12_345)
            #expect(try rows.first?.decode("flops", as: Int64.self) == 700)
            #expect(try rows.first?.decode("latency_us", as: Int64?.self) == 31)
            #expect(try rows.first?.decode("measured_by", as: String.self) == "alice")
            let catalogue = try await Catalogue.load(registry: registry, logger: Logger(label: "test"))
            let measured = catalogue.snapshot.measured[ModelFixture.deviceClass]
            #expect(measured?[ReleaseKey(model: "mlp", number: release.number)]?.count == 2)
        }
    }

    @Test("of an unknown class, an unknown module or below 0 are refused, and nothing is written")
    func refused() async throws {
        try await withDatabase { database in
            let registry = try await ModelFixture.publish(in: database).registry
            let release = try await registry.release(of: "mlp", .standard)
            let nowhere = ModuleSlot(kind: .expert, layer: 7, index: 0)
            let cases: [([ModuleSlot: CostMeasurement], String, RegistryError.Code)] = [
                ([expert: CostMeasurement(memory: 1, flops: 1)], "toaster", .notFound),
                (
                    [expert: CostMeasurement(memory: 1, flops: 1), nowhere: CostMeasurement(memory: 1, flops: 1)],
                    ModelFixture.deviceClass, .notFound
                ),
                ([expert: CostMeasurement(memory: -1, flops: 1)], ModelFixture.deviceClass, .invalidArgument),
            ]
            for (costs, deviceClass, code) in cases {
                await #expect {
                    try await registry.recordCosts(costs, on: deviceClass, of: release, as: alice)
                } throws: { ($0 as? RegistryError)?.code == code }
            }
            #expect(try await database.pool.query("SELECT FROM eclm.costs").isEmpty)
        }
    }
}
