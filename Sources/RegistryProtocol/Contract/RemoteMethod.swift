/// A method of a service, typed by what it takes and gives, with what its options in proto/ say.
public struct RemoteMethod<Request: WireMessage, Response: WireMessage>: Sendable {
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

    /// A method; where its options are silent, the arguments are too.
    public init(
        service: String, name: String, repeatability: Repeatability = .notRepeatable, roles: [Role] = [],
        deadline: Duration? = nil
    ) {
        self.service = service
        self.name = name
        self.repeatability = repeatability
        self.roles = roles
        self.deadline = deadline
    }

    /// Service and method, for people.
    public var fullName: String { "\(service).\(name)" }
}
