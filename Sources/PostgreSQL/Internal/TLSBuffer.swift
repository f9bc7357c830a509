import CLibPQ
import Glibc

/// What OpenSSL has decrypted and libpq has not yet taken.
///
/// Such bytes are no longer in the socket, so epoll does not report them, and libpq (15 to 17 at least) may leave some when a
/// record is larger than the room it has. Whoever then waited for the socket might wait for ever.
enum TLSBuffer {
    private typealias PendingFunction = @convention(c) (UnsafeMutableRawPointer) -> CInt

    /// Looked up in the OpenSSL that libpq itself has loaded; `nil` where libpq has none.
    private static let pendingFunction: PendingFunction? = dlsym(nil, "SSL_pending").map {
        unsafeBitCast($0, to: PendingFunction.self)
    }

    static func isEmpty(_ connection: OpaquePointer) -> Bool {
        guard PQsslInUse(connection) == 1, let ssl = PQsslStruct(connection, "OpenSSL"), let pendingFunction else {
            return true
        }
        return pendingFunction(ssl) <= 0
    }
}
