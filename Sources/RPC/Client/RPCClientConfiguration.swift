public import ECLMCore

/// How a client connects, and every limit it keeps.
public struct RPCClientConfiguration: Sendable {
    /// Connections kept to each endpoint; they open as calls need them.
    public var connectionsPerEndpoint = 1
    /// How long making a connection may take.
    public var connectTimeout: Duration = .seconds(5)
    /// How long a call that names no timeout waits.
    public var defaultTimeout: Duration = .seconds(30)
    /// What the first request of each connection carries to say who calls; `nil` for anonymous.
    public var authenticationData: [UInt8]?
    /// The greatest body of a frame in bytes, sent or received: metadata, payload and attachment together.
    public var maximumFrameBytes = 64 * 1024 * 1024 + 64 * 1024
    /// The greatest metadata of a frame in bytes.
    public var maximumMetaBytes = 64 * 1024
    /// Bytes that may wait to be sent on one connection; further calls fail with EOVERCROWDED.
    public var maximumUnsentBytes = 256 * 1024 * 1024
    /// How long a connection without calls is kept. Keep it below the server's, so that it is this side that closes.
    public var idleTimeout: Duration = .seconds(60)
    /// The waits between attempts to connect.
    public var reconnectBackoff = Backoff(first: .milliseconds(100), longest: .seconds(5))

    /// A configuration with the default limits.
    public init() {}

    var frameLimits: FrameDecoder.Limits {
        .init(bodyBytes: maximumFrameBytes, metaBytes: maximumMetaBytes)
    }
}
