import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Rolling back")
struct RollbackTests {
    private func rollBack(
        _ server: TestServer, to release: Int32? = nil, modules: [String: Int32?] = [:], channel: String = "stable",
        reinstate: Bool = false, reason: String = "it forgot"
    ) async throws -> Wire.RollbackResponse {
        try await server.call(ReleaseServiceAPI.rollback) {
            $0.model = "mlp"
            $0.channel = channel
            $0.toRelease = release
            $0.modules = modules.sorted { $0.key < $1.key }.map { name, version in
                var module = Wire.RollbackModule()
                (module.module, module.version) = (name, version)
                return module
            }
            $0.reason = reason
            $0.reinstate = reinstate
        }
    }

    private func withdrawn(_ server: TestServer) async throws -> (releases: [Int32], versions: [String]) {
        let releases = try await server.releases().filter(\.withdrawn).map(\.number)
        let rows = try await server.database.pool.query(
            "SELECT module || ' ' || version FROM eclm.module_history WHERE withdrawn_at IS NOT NULL ORDER BY 1")
        return (releases, try rows.map { try $0.decode(0) })
    }

    @Test("one module leads to its version before, and leaves the rest", arguments: Transport.allCases)
    func module(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00", "head0"], seed: 2)
            let answer = try await rollBack(server, modules: ["l0.m00": nil])
            #expect(answer.release?.number == 3)
            #expect(answer.release?.origin == "rollback" && answer.release?.releaseOrigin == .rollback)
            #expect(answer.release?.parent == 2)
            #expect(answer.release?.reason == "it forgot")
            #expect(answer.release?.channels == ["stable"])
            #expect(answer.changes.map(\.module) == ["l0.m00"])
            #expect(answer.changes.map(\.fromVersion) == [2])
            #expect(answer.changes.map(\.toVersion) == [1])
            let versions = try await server.versions()
            #expect(versions["l0.m00"] == 1)
            #expect(versions["head0"] == 2)
            // Nothing is deleted: the version and its weights are still there to look at.
            let version = try await server.call(VersionServiceAPI.getVersion) {
                $0.model = "mlp"
                $0.module = "l0.m00"
                $0.version = 2
            }
            #expect(version.withdrawn)
            #expect(try await server.call(BlobServiceAPI.stat) { $0.digests = [version.digest] }.blobs.count == 1)
            let state = try await withdrawn(server)
            #expect(state.releases == [])
            #expect(state.versions == ["l0.m00 2"])
        }
    }

    @Test("is told by the histories: who, when and why", arguments: Transport.allCases)
    func histories(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            _ = try await rollBack(server, to: 1, reason: "accuracy fell by 3 %")
            let move = try #require(
                try await server.call(ChannelServiceAPI.channelHistory) {
                    $0.model = "mlp"
                    $0.channel = "stable"
                }.moves.first)
            #expect(move.action == "rollback" && move.channelAction == .rollback)
            #expect(move.reason == "accuracy fell by 3 %")
            #expect(move.movedBy.hasPrefix("anonymous@"))
            #expect(move.fromRelease == 2)
            #expect(move.toRelease == 3)
            let row = try await server.database.pool.query(
                """
                SELECT withdrawn_by, withdrawal_reason, withdrawn_at FROM eclm.module_history
                WHERE module = 'l0.m00' AND version = 2
                """
            ).one()
            #expect(try row.decode("withdrawn_by", as: String.self).hasPrefix("anonymous@"))
            #expect(try row.decode("withdrawal_reason", as: String.self) == "accuracy fell by 3 %")
            #expect(try !row.isNull("withdrawn_at"))
            let audited = try await server.model.registry.audit(AuditFilter(objectKind: "withdrawal")).items
            #expect(audited.count == 2)
            #expect(audited.allSatisfy { $0.detail.contains("accuracy fell by 3 %") })
            #expect(try await server.model.registry.verifyAudit().breaks.isEmpty)
        }
    }

    @Test("a set of modules leads each where it was told", arguments: Transport.allCases)
    func set(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            for seed in 2...4 {
                try await server.publish(changing: ["l0.m00", "l1.m00", "stem0"], seed: UInt64(seed * 10))
            }
            let answer = try await rollBack(server, modules: ["l0.m00": 2, "l1.m00": nil])
            #expect(answer.changes.map(\.module) == ["l0.m00", "l1.m00"])
            #expect(answer.changes.map(\.toVersion) == [2, 3])
            let versions = try await server.versions()
            #expect(versions["stem0"] == 4)
            #expect(versions["l0.m00"] == 2)
            #expect(versions["l1.m00"] == 3)
            // What lies between is as suspect as what was left.
            #expect(try await withdrawn(server).versions == ["l0.m00 3", "l0.m00 4", "l1.m00 4"])
            // The version before the current is now the one before those.
            #expect(try await rollBack(server, modules: ["l1.m00": nil]).changes.map(\.toVersion) == [2])
        }
    }

    @Test("a whole release leads all its modules back, and devices with it", arguments: Transport.allCases)
    func release(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00", "l0.m01"], seed: 2)
            try await server.publish(changing: ["l0.m01", "head0"], seed: 3)
            let answer = try await rollBack(server, to: 1)
            #expect(answer.release?.number == 4)
            #expect(answer.changes.map(\.module) == ["head0", "l0.m00", "l0.m01"])
            #expect(answer.changes.map(\.fromVersion) == [2, 2, 3])
            #expect(Set(try await server.versions().values) == [1])
            let state = try await withdrawn(server)
            #expect(state.releases == [3, 2])
            #expect(state.versions == ["head0 2", "l0.m00 2", "l0.m01 2", "l0.m01 3"])
            let composed = try await server.call(CompositionServiceAPI.compose) { $0.model = "mlp" }
            #expect(composed.release == 4)
            #expect(composed.composition?.modules.allSatisfy { $0.version == 1 } == true)
        }
    }

    @Test("a release that had other importances alone leads back to the old ones")
    func importances() async throws {
        try await withServer { server in
            var request = server.manifest()
            request.modules[3].importance = 40
            try await server.publish(request)
            let answer = try await rollBack(server, to: 1)
            #expect(answer.changes.isEmpty)
            #expect(answer.release?.number == 3)
            let modules = try await server.call(ReleaseServiceAPI.getRelease) { $0.model = "mlp" }.modules
            #expect(modules.allSatisfy { $0.importance == 0.5 })
            #expect(try await withdrawn(server).releases == [2])
        }
    }

    @Test("keeps modules in place that the older release did not have yet")
    func newerModules() async throws {
        try await withServer { server in
            var request = server.manifest()
            var module = try #require(request.modules.first { $0.name == "l1.m02" })
            module.name = "l1.m04"
            module.slot?.index = 4
            request.modules = [module]
            try await server.publish(request)
            try await server.publish(changing: ["l0.m00"], seed: 3)
            _ = try await rollBack(server, to: 1)
            let versions = try await server.versions()
            #expect(versions["l0.m00"] == 1)
            #expect(versions["l1.m04"] == 1)
        }
    }

    @Test("leaves in service what another channel carries", arguments: Transport.allCases)
    func otherChannel(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            try await server.call(ChannelServiceAPI.moveChannel) {
                $0.model = "mlp"
                $0.channel = "canary"
                $0.release = 2
            }
            _ = try await rollBack(server, to: 1)
            #expect(try await withdrawn(server).releases == [])
            #expect(try await withdrawn(server).versions == [])
            #expect(try await server.versions(channel: "canary")["l0.m00"] == 2)
            try await server.model.submit([.init("l0.m00")], from: "device-1", release: 2)
            // When the last channel leaves it, it goes out of service.
            _ = try await rollBack(server, to: 1, channel: "canary")
            #expect(try await withdrawn(server).releases == [2])
        }
    }

    @Test("takes what was withdrawn back into service only when told to", arguments: Transport.allCases)
    func reinstate(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            _ = try await rollBack(server, to: 1)
            await refused(.failedPrecondition, "release 2", "withdrawn", "--reinstate") {
                try await rollBack(server, to: 2)
            }
            await refused(.failedPrecondition, "version 2 of module l0.m00", "--reinstate") {
                try await rollBack(server, modules: ["l0.m00": 2])
            }
            await refused(.failedPrecondition, "release 2", "withdrawn") {
                try await server.call(ChannelServiceAPI.moveChannel) {
                    $0.model = "mlp"
                    $0.channel = "canary"
                    $0.release = 2
                }
            }
            let back = try await rollBack(server, to: 2, reinstate: true, reason: "it was the data")
            #expect(back.release?.number == 4)
            #expect(back.changes.map(\.toVersion) == [2])
            #expect(try await server.versions()["l0.m00"] == 2)
            // Version 1 and release 3 were never at fault: what devices trained on them still counts.
            #expect(try await withdrawn(server).releases == [])
            #expect(try await withdrawn(server).versions == [])
            try await server.model.submit([.init("l0.m00")], from: "device-1", release: 3)
            let row = try await server.database.pool.query(
                "SELECT DISTINCT reinstated_by FROM eclm.withdrawals"
            ).one()
            #expect(try row.decode("reinstated_by", as: String.self).hasPrefix("anonymous@"))
            #expect(try await server.model.registry.verifyAudit().breaks.isEmpty)
        }
    }

    @Test("to a release that carries a withdrawn version needs the word, too")
    func releaseWithWithdrawnVersion() async throws {
        try await withServer { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            _ = try await rollBack(server, modules: ["l0.m00": nil])
            // Release 2 itself is in service, its module version is not.
            await refused(.failedPrecondition, "release 2", "version 2 of module l0.m00", "withdrawn") {
                try await server.call(ChannelServiceAPI.moveChannel) {
                    $0.model = "mlp"
                    $0.channel = "canary"
                    $0.release = 2
                }
            }
            await refused(.failedPrecondition, "version 2 of module l0.m00") { try await rollBack(server, to: 2) }
            #expect(try await rollBack(server, to: 2, reinstate: true).release?.number == 4)
        }
    }

    @Test("to nowhere is refused, and nothing is written", arguments: Transport.allCases)
    func refusals(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            let before = try await server.written()
            await refused(.invalidArgument, "needs a reason") { try await rollBack(server, to: 1, reason: "") }
            await refused(.invalidArgument, "exactly one") { try await rollBack(server) }
            await refused(.invalidArgument, "exactly one") { try await rollBack(server, to: 1, modules: ["l0.m00": 1]) }
            await refused(.invalidArgument, "l0.m00 is given twice") {
                try await server.call(ReleaseServiceAPI.rollback) {
                    $0.model = "mlp"
                    $0.reason = "r"
                    var module = Wire.RollbackModule()
                    module.module = "l0.m00"
                    $0.modules = [module, module]
                }
            }
            await refused(.failedPrecondition, "these versions already") { try await rollBack(server, to: 2) }
            await refused(.failedPrecondition, "these versions already") {
                try await rollBack(server, modules: ["l0.m00": 2])
            }
            await refused(.notFound, "no release 7") { try await rollBack(server, to: 7) }
            await refused(.notFound, "no release -7") { try await rollBack(server, to: -7) }
            await refused(.notFound, "no module \"l7.m00\"") { try await rollBack(server, modules: ["l7.m00": 1]) }
            await refused(.notFound, "no version 9") { try await rollBack(server, modules: ["l0.m00": 9]) }
            await refused(.failedPrecondition, "l0.m01", "version 1", "no older version") {
                try await rollBack(server, modules: ["l0.m01": nil])
            }
            await refused(.notFound, "no channel \"beta\"") { try await rollBack(server, to: 1, channel: "beta") }
            await refused(.notFound, "no model") {
                try await server.call(ReleaseServiceAPI.rollback) {
                    $0.model = "nothing"
                    $0.toRelease = 1
                    $0.reason = "r"
                }
            }
            #expect(try await server.written() == before)
            #expect(await server.answers())
        }
    }

    @Test("refuses updates trained on what was left, release by release and version by version")
    func updatesOnWithdrawn() async throws {
        try await withServer { server in
            try await server.publish(changing: ["l0.m00", "l0.m01"], seed: 2)
            _ = try await rollBack(server, modules: ["l0.m00": nil])
            func submit(_ module: String, release: Int) async throws -> UpdateID {
                try await server.model.submit([.init(module)], from: "device-1", release: release)
            }
            let error = await #expect(throws: RegistryError.self) { try await submit("l0.m00", release: 2) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.contains("version 2 of l0.m00 was rolled back") == true)
            _ = try await submit("l0.m01", release: 2)
            _ = try await rollBack(server, to: 1)
            let whole = await #expect(throws: RegistryError.self) { try await submit("l1.m00", release: 2) }
            #expect(whole?.code == .failedPrecondition)
            #expect(whole?.message.contains("base release 2 of mlp was rolled back") == true)
            _ = try await submit("l0.m00", release: 1)
        }
    }

    @Test("and publishing at once leaves one order of releases and no lost change", arguments: Transport.allCases)
    func concurrently(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await rollBack(server.with(), modules: ["l0.m00": 1]) }
                for seed: UInt64 in [3, 4, 5] {
                    group.addTask { try await server.with().publish(changing: ["l1.m01"], seed: seed) }
                }
                try await group.waitForAll()
            }
            let versions = try await server.versions()
            #expect(versions["l0.m00"] == 1)
            #expect(versions["l1.m01"] == 4)
            let releases = try await server.releases()
            #expect(releases.map(\.number) == [6, 5, 4, 3, 2, 1])
            #expect(releases.map(\.parent) == [5, 4, 3, 2, 1, nil])
        }
    }
}
