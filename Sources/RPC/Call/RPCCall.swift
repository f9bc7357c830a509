/// Which method is called, and what its caller may do about a lost answer.
public struct RPCCall: Sendable, Hashable {
    /// The service's name.
    public var service: String
    /// The method's name.
    public var method: String
    /// Whether a request that may have been carried out may be sent again.
    public var isRepeatable: Bool
    /// How long one attempt may take; `nil` for the client's default.
    public var deadline: Duration?

    public init(service: String, method: String, isRepeatable: Bool = false, deadline: Duration? = nil) {
        self.service = service
        self.method = method
        self.isRepeatable = isRepeatable
        self.deadline = deadline
    }
}
