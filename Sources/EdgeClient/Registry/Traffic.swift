/// Bytes that went over a connection.
public struct Traffic: Hashable, Sendable, Codable {
    /// Bytes sent.
    public var sent: Int64
    /// Bytes received.
    public var received: Int64

    public init(sent: Int64 = 0, received: Int64 = 0) {
        self.sent = sent
        self.received = received
    }

    /// Two readings together.
    public static func + (left: Traffic, right: Traffic) -> Traffic {
        Traffic(sent: left.sent + right.sent, received: left.received + right.received)
    }

    /// The traffic since an earlier reading.
    public static func - (later: Traffic, earlier: Traffic) -> Traffic {
        Traffic(sent: later.sent - earlier.sent, received: later.received - earlier.received)
    }
}
