/// How a server listens, and every limit it keeps.
public struct RPCServerConfiguration: Sendable {
    /// Where to listen; port 0 lets the system choose one.
    public var endpoint: RPCEndpoint
    /// The greatest body of a frame in bytes: metadata, payload and attachment together. A bigger one closes the
    /// connection; a bigger response turns into ERESPONSE.
    public var maximumFrameBytes = 64 * 1024 * 1024 + 64 * 1024
    /// The greatest metadata of a frame in bytes.
    public var maximumMetaBytes = 64 * 1024
    /// Connections at a time; further ones are closed at once.
    public var maximumConnections = 4096
    /// Requests being handled at a time by the whole server; further ones are answered ELIMIT at once.
    public var maximumInFlight = 4096
    /// Requests of one connection being handled at a time; the server stops reading the connection meanwhile.
    public var maximumInFlightPerConnection = 256
    /// Bytes of requests being handled at a time for one connection; the server stops reading it meanwhile. One
    /// request is always accepted, however big.
    public var maximumInFlightBytesPerConnection = 128 * 1024 * 1024
    /// How long a connection may lie idle before the server closes it.
    public var idleTimeout: Duration = .seconds(300)
    /// How long a frame may take to arrive once it has begun, beyond what ``minimumBytesPerSecond`` grants it.
    public var frameReadTimeout: Duration = .seconds(30)
    /// The slowest link to serve: a frame whose header announces n bytes is granted n / this many seconds more.
    public var minimumBytesPerSecond = 16 * 1024
    /// How long a peer may take none of the bytes that wait for it.
    public var writeStallTimeout: Duration = .seconds(60)
    /// How long a graceful shutdown waits for requests in flight.
    public var drainTimeout: Duration = .seconds(20)
    /// The deadline of a request that names no timeout, of a method that has none of its own.
    public var defaultDeadline: Duration = .seconds(30)
    /// The latest deadline a request gets, whatever it asks for.
    public var maximumDeadline: Duration = .seconds(300)
    /// Connections that may wait to be accepted.
    public var backlog: Int32 = 256

    /// A configuration with the default limits.
    public init(endpoint: RPCEndpoint) {
        self.endpoint = endpoint
    }

    /// A configuration with the default limits that listens on TCP.
    public init(host: String = "127.0.0.1", port: Int = 0) {
        self.init(endpoint: .tcp(host: host, port: port))
    }

    /// A configuration with the default limits that listens on a Unix domain socket.
    public init(unixSocketPath path: String) {
        self.init(endpoint: .unix(path: path))
    }
}

extension RPCServerConfiguration {
    var frameLimits: FrameDecoder.Limits {
        .init(bodyBytes: maximumFrameBytes, metaBytes: maximumMetaBytes)
    }

    /// Refuses limits under which nothing could work.
    func validate() throws(RPCError) {
        let counts = [
            ("maximumFrameBytes", maximumFrameBytes), ("maximumMetaBytes", maximumMetaBytes),
            ("maximumConnections", maximumConnections), ("maximumInFlight", maximumInFlight),
            ("maximumInFlightPerConnection", maximumInFlightPerConnection),
            ("maximumInFlightBytesPerConnection", maximumInFlightBytesPerConnection),
            ("minimumBytesPerSecond", minimumBytesPerSecond), ("backlog", Int(backlog)),
        ]
        for (name, value) in counts where value < 1 {
            throw RPCError(.invalidArgument, "\(name) is \(value); it must be at least 1")
        }
        guard maximumFrameBytes <= Int(Int32.max) else {
            throw RPCError(.invalidArgument, "maximumFrameBytes is \(maximumFrameBytes); it must be below 2 GiB")
        }
        let times = [
            ("idleTimeout", idleTimeout), ("frameReadTimeout", frameReadTimeout),
            ("writeStallTimeout", writeStallTimeout), ("defaultDeadline", defaultDeadline),
            ("maximumDeadline", maximumDeadline),
        ]
        for (name, value) in times where value <= .zero {
            throw RPCError(.invalidArgument, "\(name) is \(value); it must be longer than zero")
        }
        if case .tcp(_, let port) = endpoint, !(0...65535).contains(port) {
            throw RPCError(.invalidArgument, "port is \(port); it must be between 0 and 65535")
        }
    }
}
