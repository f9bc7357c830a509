import NIOCore
import Testing

@testable import RPC

@Suite("A server connection's machine authenticates")
struct ServerConnectionAuthenticationTests {
    private let device = RPCPrincipal(name: "device-7", roles: ["device"])

    private func first(id: Int64 = 1, timeoutMilliseconds: Int32? = nil) -> [UInt8] {
        requestBytes("A", id: id, timeoutMilliseconds: timeoutMilliseconds) { $0.authenticationData = [1, 2, 3] }
    }

    @Test("by the first request, which is held with all that follow")
    func held() {
        var server = ServerUnderTest(principal: nil)
        #expect(server.wantsBytes)
        #expect(server.receive(first() + requestBytes("B", id: 2)) == [.authenticate([1, 2, 3])])
        #expect(!server.wantsBytes)
        #expect(server.goOn() == [])
        #expect(server.machine.requestsInFlight == 0)
    }

    @Test("a first request without data as one without data")
    func nothing() {
        var server = ServerUnderTest(principal: nil)
        #expect(server.receive(requestBytes("A")) == [.authenticate(nil)])
    }

    @Test("once: what later requests carry is ignored")
    func accepted() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(first() + requestBytes("B", id: 2) { $0.authenticationData = [9] })
        #expect(server.verify(.success(device)) == .start(0, id: 1))
        #expect(server.goOn() == [.start(1, id: 2)])
        #expect(server.admitted.allSatisfy { $0.principal == device })
        #expect(server.verify(.failure(RPCError(.unauthenticated, "late"))) == .wait)
        #expect(server.wantsBytes)
    }

    @Test("and, refused, answers the first request and no other")
    func refused() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(first() + requestBytes("B", id: 2))
        let error = RPCError(.unauthenticated, "the token is not known")
        #expect(server.verify(.failure(error)) == .reject(.unauthenticated, id: 1))
        #expect(server.lastError?.message == "the token is not known")
        #expect(server.machine.phase == .closing && !server.wantsBytes)
        #expect(server.goOn() == [])
        #expect(server.verify(.success(device)) == .wait)
    }

    @Test("by the first request's deadline, to the nanosecond")
    func deadline() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(first(timeoutMilliseconds: 50))
        #expect(server.nextDeadline() == 0.05)
        #expect(server.check(at: 0.05 - instant) == .wakeUp(0.05))
        #expect(server.check(at: 0.05) == .reject(.timedOut, id: 1))
        #expect(server.machine.phase == .closing)
        #expect(server.verify(.success(device)) == .wait)
    }

    @Test("and counts the held request's deadline anew from the verdict")
    func deadlineAfterVerdict() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(first(timeoutMilliseconds: 1000))
        server.time = 0.7
        #expect(server.verify(.success(device)) == .start(0, id: 1))
        #expect(server.admitted[0].deadline.seconds == 1.7)
    }

    @Test("also while the server drains, to refuse the request and not the connection")
    func draining() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(first())
        server.isDraining = true
        #expect(server.verify(.success(device)) == .refuse(.shuttingDown, id: 1))
        #expect(server.wantsBytes)
    }

    @Test("a malformed first request before it is looked at")
    func malformed() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(requestBytes("A", id: 1) { $0.compressType = 1 })
        #expect(server.verify(.success(device)) == .refuse(.badRequest, id: 1))
    }

    @Test("for nobody once the connection is gone")
    func closed() {
        var server = ServerUnderTest(principal: nil)
        _ = server.receive(first())
        #expect(server.machine.closed() == [])
        #expect(server.verify(.success(device)) == .wait)
        #expect(server.check(at: 1000) == .wait)
    }
}
