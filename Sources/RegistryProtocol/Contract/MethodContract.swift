/// What the options of an rpc in proto/ say, without the types of its messages.
public struct MethodContract: Sendable, Hashable {
    /// The service's full name.
    public let service: String
    /// The method's name.
    public let name: String
    /// Whether a request may be sent again by who does not know what became of it.
    public let repeatability: Repeatability
    /// The roles of which a caller needs one; with none, nobody may call.
    public let roles: [Role]
    /// How long the call may take where its caller does not say; `nil` for the server's own default.
    public let deadline: Duration?

    public init<Request, Response>(_ method: RemoteMethod<Request, Response>) {
        service = method.service
        name = method.name
        repeatability = method.repeatability
        roles = method.roles
        deadline = method.deadline
    }
}
