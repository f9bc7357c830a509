import ECLMCore
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Publishing")
struct PublishTests {
    @Test("makes a model, its versions and a release visible at once", arguments: Transport.allCases)
    func first(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var request = server.manifest()
            request.model = "vit"
            request.channel = "canary"
            request.reason = "first light"
            let published = try await server.publish(request)
            #expect(published.newVersions == 11)
            #expect(published.keptVersions == 0)
            #expect(published.release?.number == 1)
            #expect(published.release?.origin == "publish" && published.release?.releaseOrigin == .publish)
            #expect(published.release?.reason == "first light")
            #expect(published.release?.channels == ["canary"])
            #expect(published.release?.createdBy.hasPrefix("anonymous@") == true)
            // The server's own catalogue knows it with the answer.
            let composed = try await server.call(CompositionServiceAPI.compose) {
                $0.model = "vit"
                $0.release = Wire.ReleaseSelector()
                $0.release?.channel = "canary"
            }
            #expect(composed.release == 1)
            #expect(composed.composition?.modules.count == 11)
        }
    }

    @Test("the same again changes nothing", arguments: Transport.allCases)
    func idempotent(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let before = try await server.written()
            let again = try await server.publish(server.manifest())
            #expect(again.release?.number == 1)
            #expect(again.newVersions == 0)
            #expect(again.keptVersions == 11)
            #expect(try await server.written() == before)
        }
    }

    @Test("a changed module makes its next version and a new release", arguments: Transport.allCases)
    func republish(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var request = server.manifest()
            let changed = try #require(request.modules.firstIndex { $0.name == "l1.m01" })
            request.modules[changed].digest = try await server.put(
                try server.model.weights(of: "l1.m01", seed: 9)
            ).bytes
            let published = try await server.publish(request)
            #expect(published.release?.number == 2)
            #expect(published.release?.parent == 1)
            #expect(published.newVersions == 1)
            #expect(published.keptVersions == 10)
            let versions = try await server.versions()
            #expect(versions.filter { $0.value == 2 }.keys.sorted() == ["l1.m01"])
            #expect(try await server.versions(release: 1)["l1.m01"] == 1)
        }
    }

    @Test("some modules keeps the others as they are on the channel", arguments: Transport.allCases)
    func partial(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let published = try await server.publish(changing: ["stem0", "l0.m02"], seed: 4)
            #expect(published.newVersions == 2)
            #expect(published.keptVersions == 0)
            let versions = try await server.versions()
            #expect(versions.count == 11)
            #expect(versions.filter { $0.value == 2 }.keys.sorted() == ["l0.m02", "stem0"])
            // Onto a channel that lies behind: what the other channel has got does not come along.
            try await server.call(ChannelServiceAPI.moveChannel) {
                $0.model = "mlp"
                $0.channel = "old"
                $0.release = 1
            }
            try await server.publish(changing: ["head0"], seed: 5, channel: "old")
            let old = try await server.versions(channel: "old")
            #expect(old["head0"] == 2)
            #expect(old["stem0"] == 1)
            #expect(try await server.versions()["head0"] == 1)
        }
    }

    @Test("other importances or costs makes a release, without weights being sent again")
    func metadata() async throws {
        try await withServer { server in
            var request = server.manifest()
            request.modules[5].importance = 0.9
            let importances = try await server.publish(request)
            #expect(importances.release?.number == 2)
            #expect(importances.newVersions == 0)
            request.modules[5].costs?.flops = 7
            let costs = try await server.publish(request)
            #expect(costs.release?.number == 3)
            #expect(costs.newVersions == 1)
            let modules = try await server.call(ReleaseServiceAPI.getRelease) { $0.model = "mlp" }.modules
            let module = try #require(modules.first { $0.version?.module == request.modules[5].name })
            #expect(module.importance == 0.9)
            #expect(module.version?.costs?.flops == 7)
        }
    }

    @Test("new modules and layers grow the model; what it has stays in its place")
    func growth() async throws {
        try await withServer { server in
            var request = server.manifest()
            request.layers.append(request.layers[1])
            request.layers[2].name = "blocks.2"
            var module = try #require(request.modules.first { $0.name == "l1.m00" })
            module.slot?.layer = 2
            module.name = "l2.m00"
            request.modules = [module]
            let grown = try await server.publish(request)
            #expect(grown.newVersions == 1)
            #expect(try await server.versions().count == 12)

            request.modules[0].name = "l2.first"
            await refused(.failedPrecondition, "l2.m00", "l2.first") { try await server.publish(request) }
            request.modules[0].name = "l1.m00"
            await refused(.failedPrecondition, "module l1.m00 is the l1.m00") { try await server.publish(request) }
            request.modules[0].name = "l2.m00"
            request.layers[0].name = "other"
            await refused(.failedPrecondition, "layer 0 is blocks.0") { try await server.publish(request) }
            request.layers = []
            request.modules = server.manifest().modules.filter { $0.name == "stem0" }
            await refused(.failedPrecondition, "it has 3 layers") { try await server.publish(request) }
            #expect(try await server.releases().count == 2)
        }
    }

    @Test("a layer without a module is refused as a whole")
    func emptyLayer() async throws {
        try await withServer { server in
            let before = try await server.written()
            var request = server.manifest()
            request.model = "gap"
            request.layers.append(request.layers[0])
            await refused(.failedPrecondition, "layer 2 has no module") { try await server.publish(request) }
            #expect(try await server.written() == before)
        }
    }

    @Test("many publishers at once lose no version and number without gaps", arguments: Transport.allCases)
    func concurrently(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let modules = ["l0.m00", "l0.m01", "l0.m02", "l1.m00", "l1.m01", "l1.m02", "stem0", "head0"]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, module) in modules.enumerated() {
                    group.addTask {
                        try await server.with().publish(changing: [module], seed: UInt64(10 + index))
                        try await server.with().publish(changing: ["l0.bypass3"], seed: UInt64(100 + index))
                    }
                }
                try await group.waitForAll()
            }
            let versions = try await server.versions()
            for module in modules { #expect(versions[module] == 2, "\(module)") }
            #expect(versions["l0.bypass3"] == 9)
            #expect(try await server.releases().map(\.number) == (1...17).reversed())
        }
    }

    @Test("one new model twice at once makes it once", arguments: Transport.allCases)
    func sameModelConcurrently(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await withThrowingTaskGroup(of: Wire.PublishResponse.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        var request = server.manifest()
                        request.model = "race"
                        return try await server.with().publish(request)
                    }
                }
                var new: [Int32] = []
                for try await answer in group {
                    #expect(answer.release?.number == 1)
                    new.append(answer.newVersions)
                }
                #expect(new.sorted() == [0, 0, 0, 0, 0, 11])
            }
        }
    }
}
