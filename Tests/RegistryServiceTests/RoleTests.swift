import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Roles")
struct RoleTests {
    private static let roles: [Role] = [.device, .publisher, .operator]

    private static let mode = AuthenticationMode.tokens(
        roles.map { AccessToken(name: $0.rawValue, secret: "\($0.rawValue)-secret-000", roles: [$0]) })

    @Test("decide about every method as proto/ says, whoever calls")
    func everyMethod() async throws {
        try await withServer(authentication: Self.mode) { server in
            var callers: [(held: Set<Role>, caller: TestServer)] = [([.reader], server.with())]
            for role in Self.roles {
                callers.append(([.reader, role], server.with(.bearer("\(role.rawValue)-secret-000"))))
            }
            for method in MethodContract.all {
                let needed = method.roles.map(\.rawValue).joined(separator: " or ")
                for (held, caller) in callers {
                    let refusal = await Self.refusal(caller, method)
                    if held.isDisjoint(with: method.roles) {
                        #expect(
                            refusal?.contains(
                                "may not call \(method.service).\(method.name): it needs the role \(needed)")
                                == true, "\(method.name) for \(held)")
                    } else {
                        #expect(refusal == nil, "\(method.name) for \(held)")
                    }
                }
            }
        }
    }

    /// What a caller is told that may not call a method at all; `nil` where it may, whatever becomes of the empty request.
    private static func refusal(_ caller: TestServer, _ method: MethodContract) async -> String? {
        do {
            _ = try await caller.send([], to: method.service, method.name)
            return nil
        } catch let error as RPCError where error.status == .permissionDenied && error.message.contains("may not call")
        {
            return error.message
        } catch {
            return nil
        }
    }
}
