import ECLMCore
public import RPC
public import Registry
public import RegistryProtocol

/// How registryd knows its callers.
public enum AuthenticationMode: Sendable {
    /// Everybody may do everything: for closed networks and development.
    case none
    /// Devices prove themselves with the token they got, others with a configured secret. Without either, a caller may
    /// read and register.
    case tokens([AccessToken])
}

/// A configured secret and who holds it. Only its digest is kept in memory.
public struct AccessToken: Sendable, Hashable {
    /// The holder's name: the actor of what it does.
    public var name: String
    /// What the holder may do.
    public var roles: Set<Role>
    let digest: Digest

    /// A token with its holder.
    public init(name: String, secret: String, roles: Set<Role>) {
        self.name = name
        self.roles = roles
        digest = Digest.of(Array(secret.utf8))
    }
}

/// Verifies a connection's `Credential`.
public struct RegistryAuthenticator: RPCAuthenticator {
    private let mode: AuthenticationMode
    private let registry: Registry

    /// An authenticator that asks `registry` for the devices' tokens.
    public init(mode: AuthenticationMode, registry: Registry) {
        self.mode = mode
        self.registry = registry
    }

    /// Finds who has the credential.
    ///
    /// - Throws: `RPCError` with `unauthenticated` for a wrong one, `unavailable` where the database cannot tell.
    public func authenticate(_ data: [UInt8]?, peer: String) async throws -> RPCPrincipal {
        let credential = data.flatMap { $0.isEmpty ? nil : $0 }.map { Credential(authenticationData: $0) }
        guard case .tokens(let tokens) = mode else {
            let roles = Set(Role.allCases.map(\.rawValue))
            return RPCPrincipal(name: "anonymous", roles: roles)
        }
        switch credential {
        case .none:
            return .reader
        case .some(.none):
            throw RPCError(
                .unauthenticated, "the authentication data is neither 'device NAME TOKEN' nor 'bearer SECRET'")
        case .some(.some(.device(let id, let token))):
            let isToken: Bool?
            do {
                isToken = try await registry.isToken(token, of: id)
            } catch {
                throw RPCError(answering: error) ?? error
            }
            // Not registered yet: it may read, and register.
            guard let isToken else { return .reader }
            guard isToken else {
                throw RPCError(
                    .unauthenticated, "the token is not the one that device \(id) registered with; register again")
            }
            return RPCPrincipal(name: RPCPrincipal.devicePrefix + id, roles: [Role.reader, .device].names)
        case .some(.some(.bearer(let secret))):
            let digest = Digest.of(Array(secret.utf8))
            guard let token = tokens.first(where: { $0.digest == digest }) else {
                throw RPCError(.unauthenticated, "the secret is none that the registry was configured with")
            }
            return RPCPrincipal(name: token.name, roles: token.roles.names)
        }
    }
}

extension RPCPrincipal {
    fileprivate static let reader = RPCPrincipal(name: "anonymous", roles: [Role.reader.rawValue])
}

extension Collection where Element == Role {
    fileprivate var names: Set<String> { Set(map(\.rawValue)) }
}
