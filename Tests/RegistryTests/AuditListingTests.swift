import ECLMCore
import Registry
import TestSupport
import Testing

@Suite("Listing the audit")
struct AuditListingTests {
    @Test("gives rows newest first, by kind, object and actor, page by page")
    func filters() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let registry = model.registry
            for (name, seed) in [("anna", UInt64(2)), ("boris", 3)] {
                let bytes = try model.weights(of: "l0.m00", seed: seed)
                try await registry.blobs.put(bytes, digest: Digest.of(bytes))
                var manifest = model.manifest
                manifest.modules = manifest.modules.filter { $0.name == "l0.m00" }
                manifest.modules[0].digest = Digest.of(bytes)
                _ = try await registry.publish(
                    manifest, channel: "stable", as: Provenance(actor: name, reason: "of \(name)"))
            }
            let all = try await registry.audit().items
            #expect(all.map(\.sequence) == all.map(\.sequence).sorted(by: >))
            let releases = try await registry.audit(AuditFilter(objectKind: "release")).items
            #expect(releases.map(\.actor) == ["boris", "anna", "publisher"])
            #expect(releases.map(\.action) == Array(repeating: "release.insert", count: 3))
            #expect(releases.first?.detail.contains("of boris") == true)
            let one = try await registry.audit(AuditFilter(objectKind: "release", object: releases[1].object)).items
            #expect(one == [releases[1]])
            #expect(try await registry.audit(AuditFilter(actorContains: "ann")).items.allSatisfy { $0.actor == "anna" })
            #expect(try await registry.audit(AuditFilter(actorContains: "%")).items.isEmpty)
            #expect(try await registry.auditRow(releases[0].sequence) == releases[0])
            #expect(try await registry.auditRow(10_000) == nil)

            var walked: [AuditRecord] = []
            var page = try PageRequest(size: 2)
            repeat {
                let part = try await registry.audit(page: page)
                walked += part.items
                page.token = part.nextToken
            } while !page.token.isEmpty
            #expect(walked == all)
        }
    }

    @Test("a change without a name behind it, or with too long a reason, is refused")
    func provenance() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            for provenance in [
                Provenance(actor: ""), Provenance(actor: String(repeating: "a", count: 257)),
                Provenance(actor: "a", reason: String(repeating: "r", count: 4097)),
            ] {
                let error = await #expect(throws: RegistryError.self) {
                    try await model.registry.moveChannel(of: "mlp", channel: "canary", to: 1, as: provenance)
                }
                #expect(error?.code == .invalidArgument)
            }
            #expect(try await model.registry.model("mlp").channels.map(\.channel) == ["stable"])
        }
    }
}
