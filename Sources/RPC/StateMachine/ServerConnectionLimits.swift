/// What of a server's configuration one connection keeps.
struct ServerConnectionLimits {
    var frames: FrameDecoder.Limits
    var maximumInFlight: Int
    var maximumInFlightBytes: Int
    var idleTimeout: Duration
    var frameReadTimeout: Duration
    var minimumBytesPerSecond: Int
    var writeStallTimeout: Duration
    var defaultDeadline: Duration
    var maximumDeadline: Duration

    init(_ configuration: RPCServerConfiguration) {
        frames = configuration.frameLimits
        maximumInFlight = configuration.maximumInFlightPerConnection
        maximumInFlightBytes = configuration.maximumInFlightBytesPerConnection
        idleTimeout = configuration.idleTimeout
        frameReadTimeout = configuration.frameReadTimeout
        minimumBytesPerSecond = configuration.minimumBytesPerSecond
        writeStallTimeout = configuration.writeStallTimeout
        defaultDeadline = configuration.defaultDeadline
        maximumDeadline = configuration.maximumDeadline
    }
}
