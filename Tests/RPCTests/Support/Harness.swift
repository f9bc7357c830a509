import Foundation
import Logging
import NIOCore
import Testing

@testable import RPC

/// What carries a call's bytes in a test.
enum Carrier: String, CaseIterable, CustomTestStringConvertible {
    case tcp, unix, inProcess

    var testDescription: String { rawValue }
}

/// A caller whose connections can be counted, whatever carries them.
protocol CountingCaller: RPCCaller {
    var connectionsOpened: Int { get }
    var bytesSent: Int { get }
    var bytesReceived: Int { get }
    func close()
}

extension RPCClient: CountingCaller {}
extension InProcessCaller: CountingCaller {}

/// A running server with an echo service, and a caller of it.
struct Fixture {
    let echo: EchoService
    let server: RPCServer
    let caller: any CountingCaller
    /// Where the server listens; nowhere when it is called in-process.
    let endpoint: RPCEndpoint?

    var port: Int {
        if case .tcp(_, let port) = endpoint { port } else { 0 }
    }

    func say(_ text: String, method: String = "Say", timeout: Duration? = nil) async throws -> String {
        let response = try await caller.call(
            service: "eclm.Echo", method: method, payload: ByteBuffer(string: text), timeout: timeout)
        return String(buffer: response.payload)
    }

    /// The error a call fails with.
    func failure(_ text: String, method: String, timeout: Duration? = nil) async -> RPCError? {
        do {
            _ = try await say(text, method: method, timeout: timeout)
            return nil
        } catch {
            return error as? RPCError
        }
    }
}

/// Runs `body` against a server and shuts it down afterwards.
func withServer(
    over carrier: Carrier = .tcp, authenticator: any RPCAuthenticator = AnonymousAuthenticator(),
    client: RPCClientConfiguration = .init(), configure: (inout RPCServerConfiguration) -> Void = { _ in },
    _ body: (Fixture) async throws -> Void
) async throws {
    let echo = EchoService()
    var configuration = RPCServerConfiguration()
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rpc-\(UUID().uuidString.prefix(8))").path
    if carrier == .unix { configuration.endpoint = .unix(path: path) }
    configuration.drainTimeout = .seconds(5)
    configure(&configuration)
    var logger = Logger(label: "rpc.tests")
    logger.logLevel = .critical
    let server = try RPCServer(
        configuration: configuration, services: [echo], authenticator: authenticator, logger: logger)
    var endpoint: RPCEndpoint?
    let caller: any CountingCaller
    if carrier == .inProcess {
        caller = InProcessCaller(server: server, configuration: client)
    } else {
        let bound = try await server.start()
        endpoint = bound
        caller = RPCClient(endpoint: bound, configuration: client)
    }
    let result: Result<Void, any Error>
    do {
        try await body(Fixture(echo: echo, server: server, caller: caller, endpoint: endpoint))
        result = .success(())
    } catch {
        result = .failure(error)
    }
    echo.gate.open()
    caller.close()
    await server.shutDown(within: .seconds(2))
    if carrier == .unix { try? FileManager.default.removeItem(atPath: path) }
    #expect(server.statistics.connections == 0)
    try result.get()
}

extension RPCClientConfiguration {
    static func authenticated(_ token: String) -> Self {
        var configuration = Self()
        configuration.authenticationData = Array(token.utf8)
        return configuration
    }
}

/// Knows one token.
struct TokenAuthenticator: RPCAuthenticator {
    let token: String
    let verifications = Count()
    var delay: Duration = .zero

    func authenticate(_ data: [UInt8]?, peer: String) async throws -> RPCPrincipal {
        verifications.add()
        try await Task.sleep(for: delay)
        guard let data, data == Array(token.utf8) else {
            throw RPCError(.unauthenticated, "the token is not known; ask an operator for one")
        }
        return RPCPrincipal(name: "device-7", roles: ["device"])
    }
}
