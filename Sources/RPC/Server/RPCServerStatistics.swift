/// A server's counters at one moment.
public struct RPCServerStatistics: Hashable, Sendable {
    /// Connections open.
    public var connections: Int
    /// Connections opened since the start.
    public var connectionsAccepted: Int
    /// Connections closed at once because there were too many.
    public var connectionsRefused: Int
    /// Requests being handled.
    public var inFlight: Int
    /// Requests received since the start.
    public var requests: Int
    /// Requests answered with a status other than OK, refusals included.
    public var failures: Int
    /// Requests refused with ELIMIT.
    public var overloads: Int
    /// Connections closed because their bytes were no frames.
    public var unparseableConnections: Int
    /// Bytes read from connections.
    public var bytesReceived: Int
    /// Bytes written to connections.
    public var bytesSent: Int
}
