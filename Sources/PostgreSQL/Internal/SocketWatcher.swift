import Dispatch
import Glibc

/// Tells when one socket can be read or written.
///
/// It watches a duplicate of the descriptor, which it closes itself. libpq is thus free to close its own descriptor at any
/// time, as it does in `PQfinish` and when it moves on to the next host.
///
/// Not thread-safe: used on `queue` only, where it also calls `handler`, once for each ``arm(read:write:)``. Now and then it
/// does so without a reason, so the handler must look for itself.
final class SocketWatcher {
    private let descriptor: CInt
    private let token: UInt64
    private var armed: (read: Bool, write: Bool) = (false, false)
    private var isInvalid = false

    init(descriptor: CInt, queue: DispatchQueue, handler: @escaping @Sendable () -> Void) throws {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw Self.failure() }
        guard let token = SocketReactor.shared.add(copy, queue: queue, handler: handler) else {
            let error = Self.failure()
            close(copy)
            throw error
        }
        self.descriptor = copy
        self.token = token
    }

    private static func failure() -> PostgresError {
        PostgresError(
            code: .connectionFailed,
            message: "the socket cannot be watched: \(String(cString: strerror(errno))); raise the limit on open files")
    }

    /// Asks for an event of the given kinds.
    func arm(read: Bool, write: Bool) {
        guard !isInvalid, armed != (read, write) else { return }
        armed = (read, write)
        SocketReactor.shared.arm(descriptor, token: token, read: read, write: write)
    }

    /// To be called first when an event arrives: it was the last until ``arm(read:write:)`` is called again.
    func eventArrived() { armed = (false, false) }

    /// No further events.
    func invalidate() {
        guard !isInvalid else { return }
        isInvalid = true
        SocketReactor.shared.remove(descriptor, token: token)
        close(descriptor)
    }

    deinit { invalidate() }
}
