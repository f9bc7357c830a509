import NIOCore

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

    /// When a request that was let in at `start` is to be answered: after the time that its caller names, else the method's
    /// own default, else the server's.
    func deadline(
        timeoutMilliseconds: Int32?, methodDefault: Duration? = nil, from start: NIODeadline
    ) -> NIODeadline {
        var time = methodDefault ?? defaultDeadline
        if let asked = timeoutMilliseconds, asked > 0 { time = .milliseconds(asked) }
        return start.advanced(by: min(time, maximumDeadline))
    }
}
