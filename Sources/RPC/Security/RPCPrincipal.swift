/// Who is at the other end of a connection, as the server's authenticator found.
public struct RPCPrincipal: Hashable, Sendable {
    /// The name, for audit rows and logs.
    public var name: String
    /// What the principal may act as; services decide what each role allows.
    public var roles: Set<String>

    /// A principal with its roles.
    public init(name: String, roles: Set<String> = []) {
        self.name = name
        self.roles = roles
    }

    /// A caller that gave no proof of who it is, with no roles.
    public static let anonymous = Self(name: "anonymous")
}
