import NIOCore

/// A request on its way to a connection.
struct OutgoingRequest: Sendable {
    /// The call's correlation id.
    var id: Int64
    var frame: EncodedFrame
    var deadline: NIODeadline
    /// The first request: later ones depend on it, so it is sent even if nobody waits any more.
    var carriesAuthentication = false
}
