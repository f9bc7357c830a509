import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Composing")
struct CompositionTests {
    /// What every module of the fixture needs of memory.
    private static let page: Int64 = 4096

    private func compose(
        _ server: TestServer, _ fill: (inout Wire.ComposeRequest) throws -> Void = { _ in }
    ) async throws -> Wire.ComposeResponse {
        try await server.call(CompositionServiceAPI.compose) {
            $0.model = "mlp"
            try fill(&$0)
        }
    }

    /// Importances of both layers.
    private func importances(_ values: [[Double]]) -> [Wire.LayerImportances] {
        values.enumerated().map { layer, values in
            var wire = Wire.LayerImportances()
            (wire.layer, wire.importances) = (Int32(layer), values)
            return wire
        }
    }

    private func names(_ response: Wire.ComposeResponse) -> [String] {
        response.composition?.modules.map(\.module) ?? []
    }

    @Test("without a budget gives everything, shared modules first", arguments: Transport.allCases)
    func everything(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let answer = try await compose(server)
            #expect(answer.model == "mlp")
            #expect(answer.release == 1)
            #expect(answer.infeasibility == nil)
            let composition = try #require(answer.composition)
            #expect(composition.modules.count == 11)
            #expect(Set(names(answer).prefix(3)) == ["stem0", "head0", "selector0"])
            #expect(
                names(answer).suffix(8).map { String($0.prefix(2)) } == [
                    "l0", "l0", "l0", "l0", "l1", "l1", "l1", "l1",
                ])
            #expect(composition.optimal)
            #expect(composition.gap == 0)
            #expect(composition.objective == 4)
            #expect(composition.totals?.memory == 11 * Self.page)
            #expect(composition.totals?.flops == Int64(11_000))
            let published = try await server.call(ReleaseServiceAPI.getRelease) { $0.model = "mlp" }
            let versions = published.modules.compactMap(\.version)
            #expect(composition.totals?.fetchBytes == versions.compactMap { $0.costs?.bytes }.reduce(0, +))
            let module = try #require(composition.modules.first { $0.module == "l1.m02" })
            let version = try #require(versions.first { $0.module == "l1.m02" })
            #expect(module.moduleVersionId == version.moduleVersionId)
            #expect(module.digest == version.digest)
            #expect(module.version == 1)
            #expect(module.slot == version.slot)
            #expect(module.importance == 0.5)
            #expect(composition.modules.prefix(3).allSatisfy { $0.importance == 0 })
            #expect(composition.excluded.isEmpty)
        }
    }

    @Test("takes the modules that matter most to the device", arguments: Transport.allCases)
    func importances(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            // Three shared modules and one or two of each layer.
            let answer = try await compose(server) {
                $0.budget = Wire.Budget()
                $0.budget?.memory = 6 * Self.page
                $0.importances = importances([[0.1, 0.7, 0.2, 0], [0.3, 0.1, 0.1, 0.5]])
                $0.explain = true
            }
            #expect(names(answer).suffix(3) == ["l0.m01", "l1.m00", "l1.bypass3"])
            #expect(answer.composition?.objective == 1.5)
            #expect(answer.composition?.optimal == true)
            #expect(answer.composition?.binding == [.memory])
            #expect(answer.budget?.memory == 6 * Self.page)
            #expect(answer.budget?.flops == nil)
            let excluded = try #require(answer.composition?.excluded)
            #expect(Set(excluded.map(\.module)) == ["l0.m00", "l0.m02", "l0.bypass3", "l1.m01", "l1.m02"])
            #expect(excluded.allSatisfy { $0.reasons.isEmpty })
            #expect(excluded.first { $0.module == "l0.m02" }?.importance == 0.2)
        }
    }

    @Test("charges no download for what the device holds", arguments: Transport.allCases)
    func held(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let all = try #require(try await compose(server).composition)
            let shared = Array(all.modules.prefix(3))
            let expert = try #require(all.modules.first { $0.module == "l0.m02" })
            let held = shared.map(\.digest) + [expert.digest]
            let bypass = try #require(all.modules.first { $0.module == "l1.bypass3" })
            let answer = try await compose(server) {
                $0.heldDigests = held + [Digest.of([1]).bytes]
                $0.budget = Wire.Budget()
                $0.budget?.fetchBytes = bypass.bytes
            }
            #expect(names(answer).suffix(2) == ["l0.m02", "l1.bypass3"])
            #expect(answer.composition?.modules.map(\.held) == [true, true, true, true, false])
            #expect(answer.composition?.totals?.fetchBytes == bypass.bytes)
            #expect(answer.composition?.modules.first?.bytes == shared.first?.bytes)
        }
    }

    @Test("fills the budget from the device's class", arguments: Transport.allCases)
    func classes(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.call(DeviceServiceAPI.defineDeviceClass) {
                $0.name = "watch"
                $0.traits = Wire.DeviceTraits()
                $0.traits?.memory = 5 * Self.page
                $0.traits?.flops = 1 << 40
                $0.traits?.dtypes = ["F32"]
                $0.traits?.operators = ["linear"]
                $0.traits?.runtime = "2.0.0"
            }
            let byClass = try await compose(server) { $0.deviceClass = "watch" }
            #expect(byClass.budget?.memory == 5 * Self.page)
            #expect(byClass.budget?.flops == 1 << 40)
            #expect(byClass.budget?.fetchBytes == nil)
            #expect(byClass.composition?.modules.count == 5)
            let own = try await compose(server) {
                $0.deviceClass = "watch"
                $0.budget = Wire.Budget()
                $0.budget?.memory = 7 * Self.page
            }
            #expect(own.composition?.modules.count == 7)
            #expect(own.budget?.flops == 1 << 40)
            // Traits that name no memory set no limit.
            let bare = try await compose(server) {
                $0.traits = Wire.DeviceTraits()
                $0.traits?.dtypes = ["F32"]
                $0.traits?.operators = ["linear"]
                $0.traits?.runtime = "1.2.3"
            }
            #expect(bare.budget == Wire.Budget())
            #expect(bare.composition?.modules.count == 11)
        }
    }

    @Test("leaves out what the device cannot run, and says why", arguments: Transport.allCases)
    func compatibility(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var request = server.manifest()
            for index in request.modules.indices {
                request.modules[index].requirements = Wire.Requirements()
                switch request.modules[index].name {
                case "l0.m00": request.modules[index].requirements?.dtypes = ["BF16"]
                case "l0.m01": request.modules[index].requirements?.operators = ["attention", "conv"]
                case "l0.m02": request.modules[index].requirements?.minimumRuntime = "3.0.0"
                default: break
                }
            }
            try await server.publish(request)
            let answer = try await compose(server) {
                $0.deviceClass = "phone"
                $0.explain = true
                $0.traits = Wire.DeviceTraits()
                $0.traits?.runtime = "2.9.9"
            }
            #expect(names(answer).count == 8)
            let reasons = Dictionary(
                (answer.composition?.excluded ?? []).map { ($0.module, $0.reasons) },
                uniquingKeysWith: { first, _ in first })
            #expect(
                reasons == [
                    "l0.m00": ["needs dtype BF16"],
                    "l0.m01": ["needs operator attention", "needs operator conv"],
                    "l0.m02": ["needs runtime 3.0.0 or newer, the device has 2.9.9"],
                ])

            let head = try #require(request.modules.firstIndex { $0.name == "head0" })
            request.modules[head].requirements?.operators = ["softmax"]
            try await server.publish(request)
            await refused(.failedPrecondition, "head0", "needs operator softmax") {
                try await compose(server) { $0.traits = Wire.DeviceTraits() }
            }
        }
    }

    @Test("beyond the budget says what is short, by how much, and what would do", arguments: Transport.allCases)
    func infeasible(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let answer = try await compose(server) {
                $0.budget = Wire.Budget()
                $0.budget?.memory = 4 * Self.page
                $0.budget?.flops = 4999
            }
            let infeasibility = try #require(answer.infeasibility)
            #expect(answer.release == 1)
            #expect(infeasibility.shortfalls.map(\.resource).sorted { $0.rawValue < $1.rawValue } == [.memory, .flops])
            #expect(infeasibility.shortfalls.map(\.missing).sorted() == [1, 4096])
            #expect(infeasibility.message.contains("memory is short by 4.0 KiB"))
            let smallest = try #require(infeasibility.smallestBudget)
            #expect(smallest.memory == 5 * Self.page)
            #expect(smallest.flops == 5000)
            let feasible = try await compose(server) { $0.budget = smallest }
            #expect(feasible.composition?.modules.count == 5)
            let tooLittle = try await compose(server) {
                $0.budget = smallest
                $0.budget?.memory = 5 * Self.page - 1
            }
            #expect(tooLittle.infeasibility != nil)
        }
    }

    @Test("takes at least as many modules of each layer as wanted")
    func minimum() async throws {
        try await withServer { server in
            let answer = try await compose(server) {
                $0.minimumPerLayer = 2
                $0.budget = Wire.Budget()
                $0.budget?.memory = 7 * Self.page
                $0.importances = importances([[1, 1, 1, 1], [0, 0, 0, 0]])
            }
            #expect(names(answer).filter { $0.hasPrefix("l0") }.count == 2)
            #expect(names(answer).filter { $0.hasPrefix("l1") }.count == 2)
            await refused(.invalidArgument, "not 0") { try await compose(server) { $0.minimumPerLayer = 0 } }
            await refused(.invalidArgument, "not -3") { try await compose(server) { $0.minimumPerLayer = -3 } }
            #expect(try await compose(server) { $0.minimumPerLayer = 5 }.infeasibility?.emptyLayers == [0, 1])
        }
    }

    @Test("by number composes from a release that no channel carries", arguments: Transport.allCases)
    func byNumber(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            func version(_ release: Int32) async throws -> Int32? {
                let answer = try await compose(server) {
                    $0.release = Wire.ReleaseSelector()
                    $0.release?.number = release
                }
                #expect(answer.release == release)
                return answer.composition?.modules.first { $0.module == "l0.m00" }?.version
            }
            for _ in 0..<3 {
                #expect(try await version(1) == 1)
                #expect(try await version(2) == 2)
            }
        }
    }

    @Test("with names that nobody knows is refused", arguments: Transport.allCases)
    func unknownNames(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            await refused(.notFound, "no model \"nothing\"") { try await compose(server) { $0.model = "nothing" } }
            await refused(.notFound, "no model \"nothing\"") {
                try await compose(server) {
                    $0.model = "nothing"
                    $0.release = Wire.ReleaseSelector()
                    $0.release?.number = 1
                }
            }
            await refused(.notFound, "no channel \"beta\"") {
                try await compose(server) {
                    $0.release = Wire.ReleaseSelector()
                    $0.release?.channel = "beta"
                }
            }
            for number: Int32 in [7, 0, -1, .min, .max] {
                await refused(.notFound, "no release \(number)") {
                    try await compose(server) {
                        $0.release = Wire.ReleaseSelector()
                        $0.release?.number = number
                    }
                }
            }
            await refused(.notFound, "no device class \"fridge\"") {
                try await compose(server) { $0.deviceClass = "fridge" }
            }
            await refused(.notFound, "\"device-9\" is not registered") {
                try await compose(server) { $0.deviceId = "device-9" }
            }
            #expect(await server.answers())
        }
    }

    @Test("with figures that cannot be is refused", arguments: Transport.allCases)
    func badFigures(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            func refuses(
                _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
                _ fill: (inout Wire.ComposeRequest) -> Void
            ) async {
                await refused(.invalidArgument, words, sourceLocation: sourceLocation) {
                    try await compose(server, fill)
                }
            }
            let good = [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]]
            await refuses("no importances for layer 1; give every layer or none") {
                $0.importances = Array(importances(good).prefix(1))
            }
            await refuses("importances for layer 2; mlp has 2 layers") { $0.importances = importances(good + [[1]]) }
            await refuses("importances for layer -1") {
                $0.importances = importances(good)
                $0.importances[0].layer = -1
            }
            await refuses("layer 1 are given twice") {
                $0.importances = importances(good)
                $0.importances.append($0.importances[1])
            }
            await refuses("3 importances for layer 0, which has 4 modules") {
                $0.importances = importances([[0.1, 0.2, 0.3], good[1]])
            }
            await refuses("importance nan of module 2 in layer 1") {
                $0.importances = importances([good[0], [0, 0, .nan, 0]])
            }
            await refuses("importance inf of module 0 in layer 0") {
                $0.importances = importances([[.infinity, 0, 0, 0], good[1]])
            }
            await refuses("importance -0.5 of module 3") { $0.importances = importances([[0, 0, 0, -0.5], good[1]]) }
            await refuses("importance") { $0.importances = importances([[1e308, 1e308, 1e308, 1e308], good[1]]) }
            await refuses("memory") {
                $0.budget = Wire.Budget(); $0.budget?.memory = -1
            }
            await refuses("memory and flops") {
                $0.traits = Wire.DeviceTraits(); $0.traits?.memory = -1
            }
            await refuses("\"F13\"") {
                $0.traits = Wire.DeviceTraits(); $0.traits?.dtypes = ["F13"]
            }
            await refuses("\"new\"") {
                $0.traits = Wire.DeviceTraits(); $0.traits?.runtime = "new"
            }
            await refuses("3 bytes") { $0.heldDigests = [[1, 2, 3]] }
            #expect(await server.answers())
        }
    }

    @Test("for a device is recorded: release, budget, modules and result", arguments: Transport.allCases)
    func recorded(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.model.submit([.init("l0.m00")], from: "device-1")
            let answer = try await compose(server) {
                $0.deviceId = "device-1"
                $0.budget = Wire.Budget()
                $0.budget?.memory = 6 * Self.page
            }
            _ = try await compose(server) {
                $0.deviceId = "device-1"
                $0.budget = Wire.Budget()
                $0.budget?.memory = 1
            }
            _ = try await compose(server)
            #expect(try await eventually { try await server.count("SELECT count(*) FROM eclm.compositions") > 0 })
            let row = try await server.database.pool.query(
                """
                SELECT device_id, number, budget, module_version_ids, memory, flops, fetch_bytes, objective, gap,
                    composed_at > now() - interval '1 minute' AS recent
                FROM eclm.compositions JOIN eclm.releases USING (release_id)
                """
            ).one()
            #expect(try row.decode("device_id", as: String.self) == "device-1")
            #expect(try row.decode("number", as: Int32.self) == 1)
            #expect(
                try row.decode("module_version_ids", as: [Int64].self)
                    == answer.composition?.modules.map(\.moduleVersionId))
            #expect(try row.decode("memory", as: Int64.self) == 6 * Self.page)
            #expect(try row.decode("fetch_bytes", as: Int64.self) == answer.composition?.totals?.fetchBytes)
            #expect(try row.decode("objective", as: Double.self) == answer.composition?.objective)
            #expect(try row.decode("budget", as: JSONText.self).text.contains("24576"))
            #expect(try row.decode("recent", as: Bool.self))
        }
    }
}
