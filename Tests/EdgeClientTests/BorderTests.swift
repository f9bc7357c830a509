import ECLMCore
import NIOCore
import RPC
import RegistryProtocol
import Testing

@testable import EdgeClient

/// What the registry answers becomes values here, or an error that says what is wrong with it.
@Suite("Answers of the registry")
struct BorderTests {
    /// Answers every call with the same message.
    private struct FixedAnswer<Message: WireMessage>: RPCCaller {
        var message: Message

        func call(
            service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
        ) async throws -> RPCResponse { RPCResponse(payload: try message.encoded()) }
    }

    private func fate(_ fill: (inout Wire.Update) -> Void) async throws -> UpdateFate {
        var update = Wire.Update()
        update.updateId = 7
        fill(&update)
        return try await RegistryClient(FixedAnswer(message: update), retry: .never).update(UpdateID(7))
    }

    @Test("of an old server have texts alone, of a new one numbers that count before them")
    func status() async throws {
        #expect(try await fate { $0.status = "aggregated" }.status == .aggregated)
        let new = try await fate {
            $0.status = "pending"
            $0.updateStatus = .quarantined
            $0.quarantineReason = "NaN"
        }
        #expect(new.status == .quarantined && new.quarantineReason == "NaN" && new.id == UpdateID(7))
    }

    @Test("with a word that this program does not know are refused, and say so")
    func unknownWords() async throws {
        for number in [Wire.UpdateStatus.unknown, Wire.UpdateStatus(rawValue: 12)] {
            let error = await #expect(throws: EdgeError.self) {
                _ = try await fate {
                    $0.status = "pending"
                    $0.updateStatus = number
                }
            }
            #expect(error?.code == .registryFailed)
            #expect(error?.message.contains("UpdateService.GetUpdate") == true)
            #expect(error?.message.contains("status \(number.rawValue) is not known") == true)
        }
        let text = await #expect(throws: EdgeError.self) { _ = try await fate { $0.status = "lost" } }
        #expect(text?.message.contains("status \"lost\" is not known") == true)
    }

    @Test("with releases and versions of old servers are read by their texts")
    func origins() async throws {
        var release = Wire.Release()
        (release.number, release.origin) = (4, "rollback")
        var releases = Wire.ListReleasesResponse()
        releases.releases = [release]
        let client = RegistryClient(FixedAnswer(message: releases), retry: .never)
        #expect(try await client.releases(of: "mlp").map(\.origin) == [.rollback])

        var version = Wire.ModuleVersion()
        version.module = "l0.m00"
        version.slot = Wire.ModuleSlot(ModuleSlot(kind: .expert, layer: 0, index: 0))
        version.digest = Digest.of([1]).bytes
        version.costs = Wire.ModuleCosts()
        version.origin = "round"
        var versions = Wire.ListVersionsResponse()
        versions.versions = [version]
        let read = try await RegistryClient(FixedAnswer(message: versions), retry: .never)
            .versions(of: "l0.m00", in: "mlp")
        #expect(read.map(\.origin) == [.round] && read.first?.digest == Digest.of([1]))
        versions.versions[0].digest = [1, 2]
        let broken = RegistryClient(FixedAnswer(message: versions), retry: .never)
        try await expectEdgeError(.registryFailed) { _ = try await broken.versions(of: "l0.m00", in: "mlp") }
    }

    @Test("with a composition that a device cannot use are refused before anything is fetched")
    func compositions() throws {
        var module = Wire.ComposedModule()
        module.module = "l0.m00"
        module.slot = Wire.ModuleSlot(ModuleSlot(kind: .expert, layer: 0, index: 0))
        module.digest = Digest.of([1]).bytes
        module.bytes = 10
        var answer = Wire.ComposeResponse()
        answer.model = "mlp"
        func composition(_ change: (inout Wire.Composition) -> Void) throws -> SubModelComposition {
            var composition = Wire.Composition()
            composition.modules = [module]
            change(&composition)
            return try SubModelComposition(answer, composition)
        }
        let good = try composition { $0.binding = [.memory] }
        #expect(good.modules.map(\.module) == ["l0.m00"] && good.blobs == [Digest.of([1]): 10])
        #expect(good.binding == [.memory])
        let changes: [(inout Wire.Composition) -> Void] = [
            { $0.modules[0].module = "../l0" },
            { $0.modules[0].bytes = 0 },
            { $0.modules[0].digest = [1] },
            { $0.modules[0].slot = nil },
            { $0.modules[0].slot?.kind = .stem },
            { $0.modules.append($0.modules[0]) },
            { $0.modules = [] },
            { $0.binding = [Wire.Resource(rawValue: 9)] },
        ]
        for change in changes {
            let error = #expect(throws: EdgeError.self) { try composition(change) }
            #expect(error?.code == .registryFailed)
        }
    }

    @Test("to the same submission are one update, also of a device that sent it before its update to this version")
    func contentKey() throws {
        let draft = UpdateDraft(
            deviceID: "sensor-0017", model: "keyword", baseRelease: 3, sampleCount: 120, metrics: ["accuracy": 0.5],
            modules: [
                .init(
                    module: "l0.m00", baseVersion: 2, digest: try Digest(bytes: Array(repeating: 7, count: 32)),
                    encoding: .int8Delta, importance: 0.25)
            ])
        // What commit c4def7f made of this submission.
        #expect(try draft.contentKey == "299e8c9c01e736d186660ce7e8f23d040d88e7247837403bb025a0c09fcc3f2c")
        #expect(draft.message.modules.first?.updateEncoding == .int8Delta)
        #expect(draft.message.modules.first?.encoding == "int8_delta")
    }
}
