import CLibPQ

/// A request to cancel whatever a connection is doing.
///
/// `@unchecked Sendable` holds because a `PGcancel` is made for use from another thread than the connection's, is never
/// changed, and has this object as its only owner.
final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    deinit { PQfreeCancel(pointer) }

    /// Opens a connection of its own, sends the request and waits until the server has taken it: blocks.
    /// Whether it had any effect shows in how the statement ends, so errors do not matter here.
    func send() {
        var buffer = [CChar](repeating: 0, count: 256)
        _ = PQcancel(pointer, &buffer, CInt(buffer.count))
    }
}
