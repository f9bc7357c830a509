import Composition
import ECLMCore
import Experiments
import Learning
import Logging
import Registry
import TestSupport
import Testing

@Suite("Publishing a prototype")
struct PrototypePublisherTests {
    private static let specification = NetworkSpecification(
        model: "tiny", input: [5], classes: 3, stem: StemSpecification(kind: .dense, width: 6),
        layers: [LayerSpecification(name: "a", block: .dense, width: 6, modules: 3, inner: 2, innerNorm: false)],
        selector: SelectorSpecification(widths: [4], topK: 2))
    private let alice = Provenance(actor: "alice", reason: "a test")

    private func registry(_ database: TestDatabase) -> Registry {
        Registry(pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "test"))
    }

    private func define(_ name: String, on registry: Registry) async throws {
        _ = try await registry.defineDeviceClass(
            name,
            traits: DeviceTraits(
                memory: 1 << 30, flops: 1 << 40, dtypes: [.f32],
                operators: ["linear", "relu", "group_norm", "multiply", "softmax"], runtime: RuntimeVersion(1)),
            as: alice)
    }

    @Test("gives the registry what makes the same network again, and doing it twice changes nothing")
    func roundTrip() async throws {
        try await withDatabase { database in
            let registry = registry(database)
            try await define("pi4", on: registry)
            let x: [Float] = (0..<15).map { Float($0) / 7 - 1 }
            let publication: NetworkPublication
            let expected: [Float]
            do {
                let network = try ModularNetwork(Self.specification, seed: 3)
                publication = try NetworkPublication(network, summary: "small")
                expected = try network.forward(Tensor(x, shape: [3, 5])).logits.scalars()
            }
            let publisher = PrototypePublisher(registry: registry, as: alice)
            let profile = DeviceClassProfile(deviceClass: "pi4", memoryFactor: 2, operationsPerSecond: 1e9)
            try await publisher.check(profiles: [profile])
            let first = try await publisher.publish(publication, channel: "stable", profiles: [profile])
            #expect(first.publication.newVersions == 7 && first.publication.release.channels == ["stable"])
            #expect(first.costsRecorded == ["pi4": 7])
            #expect(first.blobsStored == publication.blobs.count)
            let again = try await publisher.publish(publication, channel: "stable", profiles: [profile])
            #expect(again.publication.newVersions == 0 && again.publication.release == first.publication.release)
            #expect(again.costsRecorded == ["pi4": 0])
            #expect(again.blobsStored == 0)

            let modules = try await registry.modules(of: "tiny", page: PageRequest(size: 100)).modules.items
            var blobs: [ModuleSlot: [UInt8]] = [:]
            for module in modules {
                let version = module.version
                blobs[version.slot] = try await registry.blobs.read(
                    version.digest, range: 0..<version.costs.bytes)
            }
            let logits = try {
                try ModularNetwork(fromBlobs: blobs).forward(Tensor(x, shape: [3, 5])).logits.scalars()
            }()
            #expect(logits == expected)

            // A device of the class is given what its profile says it can carry.
            let catalogue = try await Catalogue.load(registry: registry, logger: Logger(label: "test"))
            let release = try catalogue.snapshot.release(of: "tiny", channel: "stable")
            let measured = catalogue.snapshot.measured["pi4"]?[release.release.key] ?? [:]
            #expect(measured.count == 7)
            let total = publication.manifest.modules.reduce(0) { $0 + $1.costs.peakMemory }
            #expect(measured.values.reduce(0) { $0 + $1.memory } >= 2 * total)
        }
    }

    @Test("is refused for a class that nobody defined, before anything is stored")
    func unknownClass() async throws {
        try await withDatabase { database in
            let publisher = PrototypePublisher(registry: registry(database), as: alice)
            await #expect {
                try await publisher.check(
                    profiles: [DeviceClassProfile(deviceClass: "toaster", operationsPerSecond: 1e9)])
            } throws: { ($0 as? RegistryError)?.code == .notFound }
        }
    }
}
