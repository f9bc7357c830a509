/// One method of a service: its name and the function that answers it.
public struct RPCMethod: Sendable {
    /// Answers one request.
    ///
    /// It runs in its own task, concurrently with every other request. The task is cancelled when the deadline passes,
    /// when the connection ends, and when a shutting-down server runs out of patience. An ``RPCError`` it throws gives
    /// the caller that status and message; any other error gives EINTERNAL without detail, which goes to the log.
    public typealias Handler = @Sendable (RPCRequest, RPCContext) async throws -> RPCResponse

    /// Where a handler starts to run.
    public struct Placement: Hashable, Sendable {
        private let isInline: Bool

        /// On Swift's concurrent executor: the choice for anything that computes or waits.
        public static let concurrent = Self(isInline: false)
        /// On the connection's event loop until the first suspension. It saves two thread switches a call, and holds
        /// up every connection of that loop meanwhile: only for handlers that answer from memory in microseconds.
        public static let inline = Self(isInline: true)
    }

    /// The method's name: letters, digits and underscores, at most 64, as baidu_std asks.
    public var name: String
    /// Where the handler starts to run.
    public var placement: Placement
    /// The deadline of a request that names no timeout; `nil` for the server's own default.
    public var defaultDeadline: Duration?
    /// The function that answers.
    public var handler: Handler

    /// A method.
    public init(
        name: String, placement: Placement = .concurrent, defaultDeadline: Duration? = nil, handler: @escaping Handler
    ) {
        self.name = name
        self.placement = placement
        self.defaultDeadline = defaultDeadline
        self.handler = handler
    }
}
