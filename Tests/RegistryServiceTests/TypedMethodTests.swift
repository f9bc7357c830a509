import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import Testing

@testable import RegistryService

@Suite("A method of a service")
struct TypedMethodTests {
    private func context(_ roles: Set<Role>) -> RPCContext {
        RPCContext(
            peer: "in-process", service: "eclm.v1.New", method: "Act", deadline: .distantFuture,
            principal: RPCPrincipal(name: "somebody", roles: Set(roles.map(\.rawValue))))
    }

    @Test("has the deadline of its options")
    func deadline() {
        let check = RPCMethod(HealthServiceAPI.check) { _, _ in Wire.CheckResponse() }
        #expect(check.defaultDeadline == .seconds(5))
        let silent = RPCMethod(RemoteMethod<Wire.CheckRequest, Wire.CheckResponse>(service: "eclm.v1.New", name: "Act"))
        {
            _, _ in Wire.CheckResponse()
        }
        #expect(silent.defaultDeadline == nil)
    }

    @Test("whose options name no role is open to nobody")
    func noRole() async {
        let method = RPCMethod(RemoteMethod<Wire.CheckRequest, Wire.CheckResponse>(service: "eclm.v1.New", name: "Act"))
        {
            _, _ in Wire.CheckResponse()
        }
        let error = await #expect(throws: RPCError.self) {
            try await method.handler(RPCRequest(payload: ByteBuffer()), context(Set(Role.allCases)))
        }
        #expect(error?.status == .permissionDenied)
        #expect(error?.message.contains("somebody may not call eclm.v1.New.Act") == true)
    }

    @Test("that several roles may call needs one of them")
    func oneOf() async throws {
        let method = RPCMethod(BlobServiceAPI.beginPut) { _, _ in Wire.BeginPutResponse() }
        for role in [Role.device, .publisher] {
            _ = try await method.handler(RPCRequest(payload: ByteBuffer()), context([role]))
        }
        await #expect(throws: RPCError.self) {
            try await method.handler(RPCRequest(payload: ByteBuffer()), context([.reader, .operator]))
        }
    }

    @Test("tells of a schema that is not its own as the registry's trouble, which passes")
    func schema() async {
        let method = RPCMethod(HealthServiceAPI.check) { _, _ -> Wire.CheckResponse in
            throw RegistryError(PostgresError(code: .undefinedTable, message: "there is no such table"))
        }
        let error = await #expect(throws: RPCError.self) {
            try await method.handler(RPCRequest(payload: ByteBuffer()), context(Set(Role.allCases)))
        }
        #expect(error?.status == .unavailable && error?.message.contains("registryctl migrate") == true)
    }
}
