import CLibPQ
import Dispatch
import Glibc
import Synchronization

/// One thread that waits, with epoll, for the sockets of all connections.
///
/// Registrations are one-shot: an event is reported once and then not again until asked for. With level triggering that
/// makes it impossible to miss one: asking looks at the socket's present state. (A dispatch source that is suspended and
/// resumed does not keep that promise on Linux: the end of a stream may go unreported.)
final class SocketReactor: Sendable {
    private struct Registration: Sendable {
        let queue: DispatchQueue
        let handler: @Sendable () -> Void
    }

    static let shared = SocketReactor()

    private let descriptor: CInt
    private let registrations = Mutex<(next: UInt64, all: [UInt64: Registration])>((1, [:]))

    private init() {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { return }
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { _ in
                SocketReactor.shared.loop()
                return nil
            }, nil)
        if started == 0 { pthread_detach(thread) }
    }

    /// Registers a descriptor without asking for anything yet; `handler` is called on `queue`.
    /// The caller must not close the descriptor before ``remove(_:token:)``.
    func add(_ file: CInt, queue: DispatchQueue, handler: @escaping @Sendable () -> Void) -> UInt64? {
        guard descriptor >= 0 else { return nil }
        let token = registrations.withLock { state in
            defer { state.next += 1 }
            state.all[state.next] = Registration(queue: queue, handler: handler)
            return state.next
        }
        guard control(EPOLL_CTL_ADD, file, token, 0) else {
            registrations.withLock { _ = $0.all.removeValue(forKey: token) }
            return nil
        }
        return token
    }

    /// Asks for one event: the socket can be read, or written, or is broken.
    func arm(_ file: CInt, token: UInt64, read: Bool, write: Bool) {
        let events = (read ? EPOLLIN.rawValue | EPOLLRDHUP.rawValue : 0) | (write ? EPOLLOUT.rawValue : 0)
        _ = control(EPOLL_CTL_MOD, file, token, events)
    }

    func remove(_ file: CInt, token: UInt64) {
        _ = control(EPOLL_CTL_DEL, file, token, 0)
        registrations.withLock { _ = $0.all.removeValue(forKey: token) }
    }

    private func control(_ operation: CInt, _ file: CInt, _ token: UInt64, _ events: UInt32) -> Bool {
        var event = epoll_event()
        event.events = events | EPOLLONESHOT.rawValue
        event.data.u64 = token
        return epoll_ctl(descriptor, operation, file, &event) == 0
    }

    private func loop() -> Never {
        let capacity = 64
        var events = [epoll_event](repeating: epoll_event(), count: capacity)
        while true {
            let count = epoll_wait(descriptor, &events, CInt(capacity), -1)
            for event in events.prefix(Int(max(0, count))) {
                let token = event.data.u64
                // An event for a token that is gone was on its way while its socket was removed.
                guard let registration = registrations.withLock({ $0.all[token] }) else { continue }
                registration.queue.async(execute: registration.handler)
            }
        }
    }
}
