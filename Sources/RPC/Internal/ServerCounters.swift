import Synchronization

/// The counters behind ``RPCServerStatistics``: each read and written on its own, so a snapshot may be torn by a few.
final class ServerCounters: Sendable {
    let connections = Atomic<Int>(0)
    let connectionsAccepted = Atomic<Int>(0)
    let connectionsRefused = Atomic<Int>(0)
    let inFlight = Atomic<Int>(0)
    let requests = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    let overloads = Atomic<Int>(0)
    let unparseableConnections = Atomic<Int>(0)
    let bytesReceived = Atomic<Int>(0)
    let bytesSent = Atomic<Int>(0)

    /// Takes one unit of `counter` unless that would exceed `limit`; give it back with ``release(_:)``.
    static func acquire(_ counter: borrowing Atomic<Int>, limit: Int) -> Bool {
        if counter.add(1, ordering: .relaxed).newValue <= limit { return true }
        counter.subtract(1, ordering: .relaxed)
        return false
    }

    var snapshot: RPCServerStatistics {
        RPCServerStatistics(
            connections: connections.load(ordering: .relaxed),
            connectionsAccepted: connectionsAccepted.load(ordering: .relaxed),
            connectionsRefused: connectionsRefused.load(ordering: .relaxed),
            inFlight: inFlight.load(ordering: .relaxed), requests: requests.load(ordering: .relaxed),
            failures: failures.load(ordering: .relaxed), overloads: overloads.load(ordering: .relaxed),
            unparseableConnections: unparseableConnections.load(ordering: .relaxed),
            bytesReceived: bytesReceived.load(ordering: .relaxed), bytesSent: bytesSent.load(ordering: .relaxed))
    }
}
