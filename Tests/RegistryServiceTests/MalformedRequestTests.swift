import ECLMCore
import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("A malformed request")
struct MalformedRequestTests {
    @Test("is answered with EREQUEST, and the connection lives on", arguments: Transport.allCases)
    func payloads(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let bad: [[UInt8]] = [
                [0x0A, 0x05, 0x61],  // a string of 5 bytes of which 1 is there
                [0xFF, 0xFF, 0xFF],  // a tag that does not end
                [0x0A],  // a tag without a length
                testBytes(300),
                [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],  // a length beyond everything
                [0x12, 0x02, 0x08, 0x80],  // a page whose size does not end
            ]
            for payload in bad {
                await refused(.badRequest, "eclm.v1.ListReleasesRequest") {
                    try await server.send(payload, to: ReleaseServiceAPI.name, "ListReleases")
                }
            }
            #expect(server.connectionsOpened == 1)
            #expect(await server.answers())
            #expect(server.connectionsOpened == 1)
        }
    }

    @Test("with text that is no UTF-8 names the field", arguments: Transport.allCases)
    func text(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            await refused(.badRequest, "model in the eclm.v1.GetModelRequest is not UTF-8") {
                try await server.send([0x0A, 0x02, 0xC3, 0x28], to: ModelServiceAPI.name, "GetModel")
            }
            // In a message inside: the token of the page.
            await refused(.badRequest, "page_token", "ListReleasesRequest") {
                try await server.send([0x12, 0x03, 0x12, 0x01, 0xFF], to: ReleaseServiceAPI.name, "ListReleases")
            }
            await refused(.badRequest, "dtypes") {
                try await server.send(
                    [0x0A, 0x01, 0x77, 0x12, 0x03, 0x1A, 0x01, 0xFF], to: DeviceServiceAPI.name, "DefineDeviceClass")
            }
            #expect(server.connectionsOpened == 1)
            #expect(await server.answers())
        }
    }

    @Test("with fields that this version does not know is answered as without", arguments: Transport.allCases)
    func unknownFields(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var payload = Array("\u{0A}\u{03}mlp".utf8)
            payload += [0xF8, 0x7F, 0x05]  // field 2047, a number
            payload += [0xFA, 0x7F, 0x02, 0x68, 0x69]  // field 2047, two bytes
            let response = try await server.send(payload, to: ModelServiceAPI.name, "GetModel")
            #expect(try Wire.Model(decoding: response.payload).name == "mlp")
        }
    }

    @Test("to nobody is refused", arguments: Transport.allCases)
    func unknownMethods(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            await refused(.noSuchService, "eclm.v2.ModelService") {
                try await server.send([], to: "eclm.v2.ModelService", "GetModel")
            }
            await refused(.noSuchMethod, "DropModel") {
                try await server.send([], to: ModelServiceAPI.name, "DropModel")
            }
            #expect(await server.answers())
        }
    }

    @Test("that waits too long is answered ERPCTIMEDOUT, and leaves nothing behind", arguments: Transport.allCases)
    func deadline(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let request = try await server.manifest(changing: ["l0.m00"], seed: 3)
            let before = try await server.written()
            try await server.database.withConnection { blocker in
                try await blocker.transaction { blocker in
                    try await blocker.query("LOCK TABLE eclm.module_versions IN EXCLUSIVE MODE")
                    await refused(.timedOut) {
                        try await server.call(ReleaseServiceAPI.publish, timeout: .milliseconds(400)) { $0 = request }
                    }
                    #expect(try await eventually { server.server.rpc.statistics.inFlight == 0 })
                }
            }
            #expect(try await server.written() == before)
            #expect(try await server.publish(request).release?.number == 2)
        }
    }

    @Test("of each method, as empty as it can be, gets an answer with a reason", arguments: Transport.allCases)
    func emptyRequests(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let methods: [(String, String, RPCStatus?)] = [
                (ModelServiceAPI.name, "ListModels", nil), (ModelServiceAPI.name, "GetModel", .notFound),
                (ModelServiceAPI.name, "ListModules", .notFound), (VersionServiceAPI.name, "ListVersions", .notFound),
                (VersionServiceAPI.name, "GetVersion", .notFound), (VersionServiceAPI.name, "GetLineage", .notFound),
                (ReleaseServiceAPI.name, "ListReleases", .notFound), (ReleaseServiceAPI.name, "GetRelease", .notFound),
                (ReleaseServiceAPI.name, "Publish", .invalidArgument),
                (ReleaseServiceAPI.name, "Rollback", .invalidArgument),
                (ChannelServiceAPI.name, "ListChannels", .notFound),
                (ChannelServiceAPI.name, "MoveChannel", .invalidArgument),
                (ChannelServiceAPI.name, "ChannelHistory", .notFound), (ChannelServiceAPI.name, "Watch", .notFound),
                (CompositionServiceAPI.name, "Compose", .notFound), (BlobServiceAPI.name, "Stat", nil),
                (BlobServiceAPI.name, "Get", .invalidArgument), (BlobServiceAPI.name, "BeginPut", .invalidArgument),
                (BlobServiceAPI.name, "Put", .invalidArgument),
                (DeviceServiceAPI.name, "RegisterDevice", .invalidArgument),
                (DeviceServiceAPI.name, "GetDevice", .notFound), (DeviceServiceAPI.name, "ListDevices", nil),
                (DeviceServiceAPI.name, "ListDeviceClasses", nil),
                (DeviceServiceAPI.name, "DefineDeviceClass", .invalidArgument),
                (UpdateServiceAPI.name, "Submit", .invalidArgument), (UpdateServiceAPI.name, "GetUpdate", .notFound),
                (UpdateServiceAPI.name, "ListUpdates", nil), (HealthServiceAPI.name, "Check", nil),
                (HealthServiceAPI.name, "Echo", nil),
            ]
            for (service, method, status) in methods {
                do {
                    _ = try await server.send([], to: service, method)
                    #expect(status == nil, "\(method)")
                } catch let error as RPCError {
                    #expect(error.status == status, "\(method): \(error)")
                    #expect(error.message.count > 10, "\(method): \(error)")
                }
            }
        }
    }
}

extension TestServer {
    /// Connections that the caller has made.
    var connectionsOpened: Int {
        if let client = caller as? RPCClient { return client.connectionsOpened }
        return (caller as? InProcessCaller)?.connectionsOpened ?? 0
    }
}
