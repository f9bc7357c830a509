import RPC
import Synchronization

/// Lets a service ask the server that it is part of, which is made after it.
final class InFlightGauge: Sendable {
    private let server = Mutex<RPCServer?>(nil)

    /// Calls being handled now; 0 before a server is attached.
    var value: Int { server.withLock { $0 }?.statistics.inFlight ?? 0 }

    func attach(_ server: RPCServer) {
        self.server.withLock { $0 = server }
    }
}
