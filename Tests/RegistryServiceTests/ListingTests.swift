import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Listing")
struct ListingTests {
    /// Every item of a listing, fetched in pages of `size`.
    private func walk<Item>(
        _ page: (Wire.Page) async throws -> (items: [Item], next: String), size: Int32
    ) async throws -> [Item] {
        var items: [Item] = []
        var wish = Wire.Page()
        wish.pageSize = size
        repeat {
            let part = try await page(wish)
            #expect(part.items.count <= Int(size))
            #expect(part.items.count == Int(size) || part.next.isEmpty)
            items += part.items
            wish.pageToken = part.next
        } while !wish.pageToken.isEmpty
        return items
    }

    @Test("shows models with their layers and channels", arguments: Transport.allCases)
    func models(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let all = try await server.call(ModelServiceAPI.listModels)
            let model = try #require(all.models.first)
            #expect(all.models.count == 1)
            #expect(all.nextPageToken.isEmpty)
            #expect(model.name == "mlp")
            #expect(model.summary == "a test's model")
            #expect(model.createdBy == "publisher")
            #expect(model.modules == 11)
            #expect(model.newestRelease == 1)
            #expect(model.layers.map(\.modules) == [4, 4])
            #expect(model.layers.map(\.name) == ["blocks.0", "blocks.1"])
            #expect(model.channels.map(\.channel) == ["stable"])
            #expect(try await server.call(ModelServiceAPI.getModel) { $0.model = "mlp" }.model == model)
            let none = try await server.call(ModelServiceAPI.listModels) { $0.nameContains = "ml%" }
            #expect(none.models.isEmpty)
            #expect(try await server.call(ModelServiceAPI.listModels) { $0.nameContains = "l" }.models.count == 1)
        }
    }

    @Test("walks models page by page, each once and by name")
    func modelPages() async throws {
        try await withServer { server in
            for index in 0..<7 {
                var request = server.manifest()
                request.model = "other-\(index)"
                try await server.publish(request)
            }
            let names = try await walk(
                { page in
                    let answer = try await server.call(ModelServiceAPI.listModels) { $0.page = page }
                    return (answer.models.map(\.name), answer.nextPageToken)
                }, size: 3)
            #expect(names == ["mlp"] + (0..<7).map { "other-\($0)" })
        }
    }

    @Test("gives the modules of a release by kind, layer and name", arguments: Transport.allCases)
    func modules(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            func names(_ fill: (inout Wire.ListModulesRequest) -> Void) async throws -> [String] {
                try await server.call(ModelServiceAPI.listModules) {
                    $0.model = "mlp"
                    fill(&$0)
                }.modules.compactMap { $0.version?.module }
            }
            let all = try await names { _ in }
            #expect(Set(all) == Set(server.model.manifest.modules.map(\.name)))
            #expect(all.count == 11)
            #expect(all.prefix(3).allSatisfy { $0.hasSuffix("0") && !$0.hasPrefix("l") })
            #expect(
                all.suffix(8) == [
                    "l0.m00", "l0.m01", "l0.m02", "l0.bypass3", "l1.m00", "l1.m01", "l1.m02", "l1.bypass3",
                ])
            #expect(try await names { $0.kind = .bypass } == ["l0.bypass3", "l1.bypass3"])
            #expect(try await names { $0.layer = 1 } == ["l1.m00", "l1.m01", "l1.m02", "l1.bypass3"])
            #expect(try await names { $0.nameContains = ".m0" }.count == 6)
            #expect(
                try await names {
                    $0.kind = .expert; $0.layer = 0; $0.nameContains = "02"
                } == ["l0.m02"])
            #expect(try await names { $0.layer = 9 }.isEmpty)
            let paged = try await walk(
                { page in
                    let answer = try await server.call(ModelServiceAPI.listModules) {
                        $0.model = "mlp"
                        $0.page = page
                    }
                    return (answer.modules.compactMap { $0.version?.module }, answer.nextPageToken)
                }, size: 2)
            #expect(paged == all)
        }
    }

    @Test("describes a module version wholly", arguments: Transport.allCases)
    func version(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let version = try await server.call(VersionServiceAPI.getVersion) {
                $0.model = "mlp"
                $0.module = "l1.m02"
                $0.version = 1
            }
            let published = try #require(server.model.manifest.modules.first { $0.name == "l1.m02" })
            #expect(version.digest == published.digest.bytes)
            #expect(version.dtype == "F32")
            #expect(version.tensors.map(\.name).sorted() == ["up.bias", "up.weight"])
            #expect(version.tensors.first { $0.name == "up.weight" }?.shape == [8, 4])
            #expect(version.costs?.parameters == 40)
            #expect(version.costs?.flops == 1000)
            #expect(version.requirements?.operators == ["linear"])
            #expect(version.requirements?.minimumRuntime == "1.2.3")
            #expect(version.slot?.layer == 1)
            #expect(version.slot?.index == 2)
            #expect(version.origin == "publish" && version.versionOrigin == .publish)
            #expect(version.createdBy == "publisher")
            #expect(version.createdAtUs > 1_600_000_000_000_000)
            #expect(!version.withdrawn)
            let size = try await server.call(BlobServiceAPI.stat) { $0.digests = [version.digest] }.blobs.first?.size
            #expect(version.costs?.bytes == size)
        }
    }

    @Test("lists versions and releases newest first, page by page", arguments: Transport.allCases)
    func history(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            for round in 2...6 { try await server.publish(changing: ["l0.m00"], seed: UInt64(round)) }
            let versions = try await walk(
                { page in
                    let answer = try await server.call(VersionServiceAPI.listVersions) {
                        $0.model = "mlp"
                        $0.module = "l0.m00"
                        $0.page = page
                    }
                    return (answer.versions.map(\.version), answer.nextPageToken)
                }, size: 4)
            #expect(versions == [6, 5, 4, 3, 2, 1])
            let releases = try await walk(
                { page in
                    let answer = try await server.call(ReleaseServiceAPI.listReleases) {
                        $0.model = "mlp"
                        $0.page = page
                    }
                    return (answer.releases, answer.nextPageToken)
                }, size: 5)
            #expect(releases.map(\.number) == [6, 5, 4, 3, 2, 1])
            #expect(releases.map(\.parent) == [5, 4, 3, 2, 1, nil])
            #expect(releases.map(\.channels) == [["stable"]] + Array(repeating: [], count: 5))
            // An older release shows its own versions, not the channel's.
            #expect(try await server.versions(release: 3)["l0.m00"] == 3)
            #expect(try await server.versions()["l0.m00"] == 6)
        }
    }

    @Test("lists updates by model, device and status, page by page")
    func updates() async throws {
        try await withServer { server in
            for number in 0..<5 {
                try await server.model.submit([.init("l0.m00")], from: "device-\(number % 2)", seed: UInt64(number))
            }
            func list(_ fill: (inout Wire.ListUpdatesRequest) -> Void) async throws -> [Int64] {
                try await server.call(UpdateServiceAPI.listUpdates) { fill(&$0) }.updates.map(\.updateId)
            }
            let all = try await list { _ in }
            #expect(all == all.sorted(by: >))
            #expect(all.count == 5)
            #expect(
                try await list {
                    $0.model = "mlp"; $0.status = "pending"
                } == all)
            #expect(try await list { $0.deviceId = "device-1" }.count == 2)
            #expect(try await list { $0.status = "aggregated" }.isEmpty)
            #expect(try await list { $0.model = "nothing" }.isEmpty)
            let paged = try await walk(
                { page in
                    let answer = try await server.call(UpdateServiceAPI.listUpdates) { $0.page = page }
                    return (answer.updates.map(\.updateId), answer.nextPageToken)
                }, size: 2)
            #expect(paged == all)
            await refused(.invalidArgument, "\"done\"", "pending, aggregated, quarantined") {
                try await server.call(UpdateServiceAPI.listUpdates) { $0.status = "done" }
            }
        }
    }

    @Test("refuses a page that no listing gave", arguments: Transport.allCases)
    func badPages(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            func releases(_ size: Int32, _ token: String) async throws -> Wire.ListReleasesResponse {
                try await server.call(ReleaseServiceAPI.listReleases) {
                    $0.model = "mlp"
                    $0.page = Wire.Page()
                    $0.page?.pageSize = size
                    $0.page?.pageToken = token
                }
            }
            await refused(.invalidArgument, "page size -1", "0...1000") { try await releases(-1, "") }
            await refused(.invalidArgument, "page size 1001") { try await releases(1001, "") }
            await refused(.invalidArgument, "page token") { try await releases(0, "next") }
            await refused(.invalidArgument, "page token") { try await releases(0, "99999999999999999999") }
            await refused(.invalidArgument, "page token") { try await releases(0, String(repeating: "1", count: 600)) }
            let beyond = try await releases(0, "-5")
            #expect(beyond.releases.isEmpty)
            #expect(await server.answers())
        }
    }

    @Test("says which name is unknown and how to find the right one", arguments: Transport.allCases)
    func unknownNames(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            await refused(.notFound, "\"nothing\"", "registryctl model list") {
                try await server.call(ModelServiceAPI.getModel) { $0.model = "nothing" }
            }
            await refused(.notFound, "\"nothing\"") {
                try await server.call(ReleaseServiceAPI.listReleases) { $0.model = "nothing" }
            }
            await refused(.notFound, "no channel \"beta\"") {
                try await server.call(ModelServiceAPI.listModules) {
                    $0.model = "mlp"
                    $0.release = Wire.ReleaseSelector()
                    $0.release?.channel = "beta"
                }
            }
            await refused(.notFound, "no release 9") {
                try await server.call(ReleaseServiceAPI.getRelease) {
                    $0.model = "mlp"
                    $0.release = Wire.ReleaseSelector()
                    $0.release?.number = 9
                }
            }
            await refused(.notFound, "no module \"l9\"") {
                try await server.call(VersionServiceAPI.listVersions) {
                    $0.model = "mlp"
                    $0.module = "l9"
                }
            }
            await refused(.notFound, "no version -1") {
                try await server.call(VersionServiceAPI.getVersion) {
                    $0.model = "mlp"
                    $0.module = "l0.m00"
                    $0.version = -1
                }
            }
            await refused(.notFound, "no update 77") {
                try await server.call(UpdateServiceAPI.getUpdate) { $0.updateId = 77 }
            }
            await refused(.invalidArgument, "kind 99") {
                try await server.call(ModelServiceAPI.listModules) {
                    $0.model = "mlp"
                    $0.kind = Wire.ModuleKind(rawValue: 99)
                }
            }
            #expect(await server.answers())
        }
    }
}
