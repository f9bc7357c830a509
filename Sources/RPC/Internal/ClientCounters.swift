import Synchronization

/// What a client has moved over all its connections.
final class ClientCounters: Sendable {
    let bytesSent = Atomic<Int>(0)
    let bytesReceived = Atomic<Int>(0)
    let connectionsOpened = Atomic<Int>(0)
}
