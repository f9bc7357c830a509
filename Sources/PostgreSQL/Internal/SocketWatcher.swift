import Dispatch
import Glibc

/// Tells when a socket can be read or written.
///
/// It watches a duplicate of the descriptor, which it closes itself when both dispatch sources are done with it. libpq is
/// thus free to close its own descriptor at any time, as it does in `PQfinish` and when it moves on to the next host.
///
/// Not thread-safe: used on `queue` only, where it also calls `handler`.
final class SocketWatcher {
    enum Event: Sendable { case readable, writable }

    private let readSource: any DispatchSourceRead
    private let writeSource: any DispatchSourceWrite
    private var readArmed = false
    private var writeArmed = false
    private var isInvalid = false

    init(descriptor: CInt, queue: DispatchQueue, handler: @escaping @Sendable (Event) -> Void) throws {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else {
            throw PostgresError(
                code: .serverLimit,
                message:
                    "the socket cannot be watched: \(String(cString: strerror(errno))); raise the limit on open files")
        }
        readSource = DispatchSource.makeReadSource(fileDescriptor: copy, queue: queue)
        writeSource = DispatchSource.makeWriteSource(fileDescriptor: copy, queue: queue)
        readSource.setEventHandler { handler(.readable) }
        writeSource.setEventHandler { handler(.writable) }
        let bothCancelled = DispatchGroup()
        bothCancelled.enter()
        bothCancelled.enter()
        readSource.setCancelHandler { bothCancelled.leave() }
        writeSource.setCancelHandler { bothCancelled.leave() }
        bothCancelled.notify(queue: queue) { _ = close(copy) }
    }

    /// Asks for events of the given kinds and no others, until changed.
    func arm(read: Bool, write: Bool) {
        guard !isInvalid else { return }
        if read != readArmed {
            if read { readSource.resume() } else { readSource.suspend() }
            readArmed = read
        }
        if write != writeArmed {
            if write { writeSource.resume() } else { writeSource.suspend() }
            writeArmed = write
        }
    }

    /// No further events. A suspended source would never run its cancel handler, so both are resumed.
    func invalidate() {
        guard !isInvalid else { return }
        isInvalid = true
        readSource.cancel()
        writeSource.cancel()
        if !readArmed { readSource.resume() }
        if !writeArmed { writeSource.resume() }
    }

    deinit { invalidate() }
}
