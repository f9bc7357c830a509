import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Devices")
struct DeviceTests {
    static let token = testBytes(32)

    private func register(
        _ server: TestServer, _ device: String, deviceClass: String = ModelFixture.deviceClass,
        token: [UInt8] = DeviceTests.token, attributes: [(String, String)] = []
    ) async throws -> Wire.Device? {
        try await server.call(DeviceServiceAPI.registerDevice) {
            $0.deviceId = device
            $0.deviceClass = deviceClass
            $0.token = token
            $0.attributes = attributes.map { key, value in
                var attribute = Wire.Attribute()
                (attribute.key, attribute.value) = (key, value)
                return attribute
            }
        }.device
    }

    @Test("register once, and change their registration with the same token", arguments: Transport.allCases)
    func registration(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let first = try await register(server, "Pi-4:kitchen", attributes: [("site", "home"), ("os", "linux")])
            #expect(first?.deviceId == "Pi-4:kitchen")
            #expect(first?.deviceClass == "phone")
            #expect(first?.attributes.map(\.key) == ["os", "site"])
            let again = try await register(server, "Pi-4:kitchen", attributes: [("site", "home"), ("os", "linux")])
            #expect(again == first)
            #expect(try await server.count("SELECT count(*) FROM eclm.audit WHERE object_kind = 'device'") == 1)
            let changed = try await register(server, "Pi-4:kitchen", attributes: [("site", "work")])
            #expect(changed?.attributes.map(\.value) == ["work"])
            #expect(changed?.registeredAtUs == first?.registeredAtUs)
            #expect(
                try await server.call(DeviceServiceAPI.getDevice) { $0.deviceId = "Pi-4:kitchen" }.device == changed)
            await refused(.permissionDenied, "Pi-4:kitchen", "another token") {
                try await register(server, "Pi-4:kitchen", token: testBytes(32, seed: 2))
            }
            #expect(
                try await server.call(DeviceServiceAPI.getDevice) { $0.deviceId = "Pi-4:kitchen" }.device == changed)
        }
    }

    @Test("with a malformed registration are refused", arguments: Transport.allCases)
    func malformed(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            for name in ["", "-x", "a b", "ä", String(repeating: "x", count: 129), "a/b", "%"] {
                await refused(.invalidArgument, "no name for a device") { try await register(server, name) }
            }
            await refused(.invalidArgument, "32 random bytes") { try await register(server, "d", token: []) }
            await refused(.invalidArgument, "32 random bytes") { try await register(server, "d", token: testBytes(31)) }
            await refused(.notFound, "no device class \"fridge\"", "operator") {
                try await register(server, "d", deviceClass: "fridge")
            }
            await refused(.invalidArgument, "\"a\" is given twice") {
                try await register(server, "d", attributes: [("a", "1"), ("a", "2")])
            }
            await refused(.invalidArgument, "32 attributes") {
                try await register(server, "d", attributes: (0..<33).map { ("\($0)", "") })
            }
            await refused(.invalidArgument, "256 bytes") {
                try await register(server, "d", attributes: [("a", String(repeating: "x", count: 257))])
            }
            await refused(.notFound, "\"d\" is not registered") {
                try await server.call(DeviceServiceAPI.getDevice) { $0.deviceId = "d" }
            }
            let rows = try await server.count("SELECT count(*) FROM eclm.devices")
            #expect(rows == 0)
            #expect(try await register(server, "d")?.deviceId == "d")
        }
    }

    @Test("of one name registering at once leave one of them", arguments: Transport.allCases)
    func race(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for seed: UInt64 in 1...8 {
                    group.addTask {
                        (try? await register(server.with(), "one", token: testBytes(32, seed: seed))) != nil
                    }
                }
                return await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 }.count == 1)
            let rows = try await server.count("SELECT count(*) FROM eclm.devices")
            #expect(rows == 1)
        }
    }

    @Test("are listed by name and class, page by page", arguments: Transport.allCases)
    func listing(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await server.call(DeviceServiceAPI.defineDeviceClass) {
                $0.name = "watch"
                $0.traits = Wire.DeviceTraits()
                $0.traits?.memory = 1 << 20
                $0.traits?.flops = 1000
            }
            for number in 0..<5 {
                _ = try await register(server, "d\(number)", deviceClass: number == 3 ? "watch" : "phone")
            }
            var names: [String] = []
            var page = Wire.Page()
            page.pageSize = 2
            repeat {
                let part = try await server.call(DeviceServiceAPI.listDevices) { $0.page = page }
                names += part.devices.map(\.deviceId)
                page.pageToken = part.nextPageToken
            } while !page.pageToken.isEmpty
            #expect(names == (0..<5).map { "d\($0)" })
            let watches = try await server.call(DeviceServiceAPI.listDevices) { $0.deviceClass = "watch" }
            #expect(watches.devices.map(\.deviceId) == ["d3"])
            #expect(try await server.call(DeviceServiceAPI.listDevices) { $0.idContains = "4" }.devices.count == 1)
            #expect(try await server.call(DeviceServiceAPI.listDevices) { $0.idContains = "_" }.devices.isEmpty)
        }
    }

    @Test("belong to classes that an operator defines and changes", arguments: Transport.allCases)
    func classes(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            func define(_ name: String, _ fill: (inout Wire.DeviceTraits) -> Void) async throws -> Wire.DeviceClass {
                try await server.call(DeviceServiceAPI.defineDeviceClass) {
                    $0.name = name
                    var traits = Wire.DeviceTraits()
                    (traits.memory, traits.flops) = (1 << 20, 1000)
                    fill(&traits)
                    $0.traits = traits
                }.deviceClass
            }
            let made = try await define("watch") {
                $0.dtypes = ["I8", "F16"]; $0.operators = ["linear"]; $0.runtime = "2.1"
            }
            #expect(made.traits?.dtypes == ["F16", "I8"])
            #expect(made.traits?.runtime == "2.1.0")
            let changed = try await define("watch") { $0.memory = 5 }
            #expect(changed.traits?.memory == 5)
            #expect(changed.traits?.dtypes == [])
            let listed = try await server.call(DeviceServiceAPI.listDeviceClasses).classes
            #expect(listed.map(\.name) == ["phone", "watch"])
            #expect(listed.last == changed)
            await refused(.invalidArgument, "device class") { try await define("My Watch") { _ in } }
            await refused(.invalidArgument, "above 0") { try await define("w") { $0.memory = 0 } }
            await refused(.invalidArgument, "above 0") { try await define("w") { $0.flops = -1 } }
            await refused(.invalidArgument, "\"F13\"") { try await define("w") { $0.dtypes = ["F13"] } }
            await refused(.invalidArgument, "1 to 64 printable") { try await define("w") { $0.operators = [""] } }
            await refused(.invalidArgument, "\"x\"") { try await define("w") { $0.runtime = "x" } }
            await refused(.invalidArgument, "needs traits") {
                try await server.call(DeviceServiceAPI.defineDeviceClass) { $0.name = "w" }
            }
            #expect(try await server.call(DeviceServiceAPI.listDeviceClasses).classes == listed)
        }
    }
}
