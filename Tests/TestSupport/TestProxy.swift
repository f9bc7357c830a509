import Foundation
import Synchronization

/// A TCP proxy before the cluster that can stop to pass anything on, as a network or a proxy does that died quietly:
/// connections stay open, and nothing is ever heard on them.
public final class TestProxy: Sendable {
    private struct State {
        var isFrozen = false
        /// Connections with a lower number are frozen.
        var frozenBefore = 0
        var accepted = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let listener: CInt
    /// Where it listens, on 127.0.0.1.
    public let port: UInt16

    /// What connects to a database of the cluster through it.
    public func connectionString(to database: TestDatabase, as role: TestRole = .superuser) -> String {
        TestCluster.connectionString(database: database.name, user: role.login, host: "127.0.0.1", port: "\(port)")
    }

    /// Runs `body` with a proxy of its own.
    public static func with<R>(_ body: (TestProxy) async throws -> R) async throws -> R {
        let proxy = try TestProxy()
        defer { proxy.close() }
        return try await body(proxy)
    }

    private init() throws {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound, listen(listener, 128) == 0 else { throw TestProxyError() }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in accept() }
    }

    /// Passes nothing on any more, on no connection, old or new.
    public func freeze() { state.withLock { $0.isFrozen = true } }

    /// Passes nothing on any more on the connections that there are; new ones work.
    public func freezeConnections() { state.withLock { $0.frozenBefore = $0.accepted } }

    /// Passes on everything again.
    public func thaw() {
        state.withLock { state in
            state.isFrozen = false
            state.frozenBefore = 0
        }
    }

    private func close() { state.withLock { $0.isClosed = true } }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func isFrozen(_ number: Int) -> Bool { state.withLock { $0.isFrozen || number < $0.frozenBefore } }

    private func accept() {
        while !isClosed {
            guard Self.isReadable(listener) else { continue }
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { continue }
            let number = state.withLock { state in
                defer { state.accepted += 1 }
                return state.accepted
            }
            guard let server = Self.connect() else {
                Glibc.close(client)
                continue
            }
            let connection = Connection(client: client, server: server)
            Thread.detachNewThread { [self] in pump(connection, from: client, to: server, number) }
            Thread.detachNewThread { [self] in pump(connection, from: server, to: client, number) }
        }
        Glibc.close(listener)
    }

    /// Both sockets, closed with the last of the two threads.
    private final class Connection: Sendable {
        let client: CInt
        let server: CInt

        init(client: CInt, server: CInt) { (self.client, self.server) = (client, server) }

        func end() {
            shutdown(client, CInt(SHUT_RDWR))
            shutdown(server, CInt(SHUT_RDWR))
        }

        deinit {
            Glibc.close(client)
            Glibc.close(server)
        }
    }

    private func pump(_ connection: Connection, from source: CInt, to target: CInt, _ number: Int) {
        defer { connection.end() }
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while !isClosed {
            if isFrozen(number) {
                usleep(10_000)
                continue
            }
            guard Self.isReadable(source) else { continue }
            if isFrozen(number) { continue }
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { return }
            var sent = 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard written > 0 else { return }
                sent += written
            }
        }
    }

    /// Whether there is something to read, after 50 ms at most.
    private static func isReadable(_ descriptor: CInt) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 50) > 0
    }

    /// A connection to the cluster's socket.
    private static func connect() -> CInt? {
        let server = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("\(TestCluster.host)/.s.PGSQL.\(TestCluster.port)".utf8) + [0]
        guard path.count <= MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        if connected { return server }
        Glibc.close(server)
        return nil
    }
}

/// The proxy could not listen.
public struct TestProxyError: Error {}
