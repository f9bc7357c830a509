import NIOCore
import Testing

@testable import RPC

@Suite("A server connection's machine")
struct ServerConnectionStateMachineTests {
    @Test("starts requests in the order they come, and numbers them")
    func order() {
        var server = ServerUnderTest()
        #expect(
            server.receive(requestBytes("A", id: 7) + requestBytes("B", id: 5)) == [.start(0, id: 7), .start(1, id: 5)])
        #expect(server.receive(requestBytes("C", id: 6)) == [.start(2, id: 6)])
        #expect(server.admitted.map(\.named.method) == ["A", "B", "C"])
        #expect(server.machine.requestsInFlight == 3)
    }

    @Test("starts a request once its last byte has come")
    func pieces() {
        var server = ServerUnderTest()
        let bytes = requestBytes("Say", "hello", id: 3)
        for byte in bytes.dropLast() { #expect(server.receive([byte]) == []) }
        #expect(server.receive([bytes[bytes.count - 1]]) == [.start(0, id: 3)])
    }

    @Test("hands a request over with all that a handler and the accounts need")
    func admitted() throws {
        let device = RPCPrincipal(name: "device-7", roles: ["device"])
        var server = ServerUnderTest(principal: device)
        server.time = 2
        let bytes = requestBytes("Say", "payload|attached", id: 3, timeoutMilliseconds: 1500) {
            $0.attachmentSize = 8
            $0.request?.logID = 99
        }
        #expect(server.receive(bytes) == [.start(0, id: 3)])
        let request = try #require(server.admitted.first)
        #expect(String(buffer: request.request.payload) == "payload|")
        #expect(String(buffer: request.request.attachment) == "attached")
        #expect(request.principal == device)
        #expect(request.named.service == "eclm.Echo" && request.named.logID == 99)
        #expect(request.startedAt.seconds == 2 && request.deadline.seconds == 3.5)
        #expect(request.bytes == bytes.count && server.machine.bytesInFlight == bytes.count)
    }

    @Test("sends answers in the order the handlers end, each once")
    func answers() {
        var server = ServerUnderTest()
        _ = server.receive(requestBytes("A", id: 1) + requestBytes("B", id: 2))
        #expect(server.answer(1) == .send("request 1"))
        #expect(server.answer(0) == .send("request 0"))
        #expect(server.answer(0) == .wait)
        #expect(server.answer(17) == .wait)
        #expect(server.machine.requestsInFlight == 0 && server.machine.bytesInFlight == 0)
    }

    @Test("keeps two requests of one correlation id apart")
    func duplicates() {
        var server = ServerUnderTest()
        let steps = server.receive(requestBytes("A", id: 4) + requestBytes("B", id: 4))
        #expect(steps == [.start(0, id: 4), .start(1, id: 4)])
        #expect(server.answer(0) == .send("request 0"))
        #expect(server.machine.requestsInFlight == 1)
        #expect(server.answer(1) == .send("request 1"))
    }

    // MARK: Back-pressure

    @Test("takes no more requests than may be in flight, and goes on as they end")
    func countLimit() {
        var server = ServerUnderTest { $0.maximumInFlightPerConnection = 2 }
        let three = requestBytes("A", id: 1) + requestBytes("B", id: 2) + requestBytes("C", id: 3)
        #expect(server.receive(three) == [.start(0, id: 1), .start(1, id: 2)])
        #expect(!server.wantsBytes)
        #expect(server.answer(0) == .send("request 0"))
        #expect(server.wantsBytes)
        #expect(server.goOn() == [.start(2, id: 3)])
        #expect(!server.wantsBytes)
    }

    @Test("takes no more bytes than may be in flight, but always one request, however big")
    func bytesLimit() {
        let big = requestBytes("A", String(repeating: "x", count: 500), id: 1)
        var server = ServerUnderTest { $0.maximumInFlightBytesPerConnection = 100 }
        #expect(server.receive(big + requestBytes("B", id: 2)) == [.start(0, id: 1)])
        #expect(server.machine.bytesInFlight == big.count && !server.wantsBytes)
        _ = server.answer(0)
        #expect(server.goOn() == [.start(1, id: 2)])
    }

    @Test("counts a request of exactly the limit as enough")
    func exactBytes() {
        let bytes = requestBytes("A", id: 1)
        var exact = ServerUnderTest { $0.maximumInFlightBytesPerConnection = bytes.count }
        _ = exact.receive(bytes)
        #expect(!exact.wantsBytes)
        var roomy = ServerUnderTest { $0.maximumInFlightBytesPerConnection = bytes.count + 1 }
        _ = roomy.receive(bytes)
        #expect(roomy.wantsBytes)
    }

    @Test("takes no requests while the peer takes no answers")
    func unwritable() {
        var server = ServerUnderTest()
        server.isWritable = false
        #expect(!server.wantsBytes)
        #expect(server.receive(requestBytes("A", id: 1)) == [])
        server.isWritable = true
        #expect(server.goOn() == [.start(0, id: 1)])
    }

    @Test("counts a request only once it is started: one that the server has no method or room for takes none")
    func refusedByTheServer() {
        var server = ServerUnderTest()
        server.machine.received(ByteBuffer(bytes: requestBytes("A", id: 1)))
        guard case .start = server.machine.nextRequest(isWritable: true, isDraining: false, now: .seconds(0)) else {
            Issue.record("not started")
            return
        }
        #expect(server.machine.requestsInFlight == 0 && server.machine.bytesInFlight == 0)
        #expect(server.receive(requestBytes("B", id: 2)) == [.start(1, id: 2)])
    }

    // MARK: Refusals

    @Test("refuses what is no request, and stays open")
    func badRequests() {
        var server = ServerUnderTest()
        let cases: [(text: String, edit: (inout RPCMeta) -> Void)] = [
            ("holds no request", { $0.request = nil }),
            ("compress_type 2", { $0.compressType = 2 }),
            ("attachment_size 6 does not fit the 5 bytes", { $0.attachmentSize = 6 }),
            ("attachment_size -1", { $0.attachmentSize = -1 }),
        ]
        for (text, edit) in cases {
            #expect(server.receive(requestBytes("Say", "hello", id: 9, edit: edit)) == [.refuse(.badRequest, id: 9)])
            #expect(server.lastError?.message.contains(text) == true, "\(text)")
        }
        #expect(server.machine.requestsInFlight == 0)
        #expect(server.receive(requestBytes("Say", id: 10)) == [.start(0, id: 10)])
    }

    @Test("refuses everything new while the server drains, and sends what is still answered")
    func draining() {
        var server = ServerUnderTest()
        _ = server.receive(requestBytes("A", id: 1))
        server.isDraining = true
        #expect(server.receive(requestBytes("B", id: 2)) == [.refuse(.shuttingDown, id: 2)])
        #expect(server.lastError?.isRetryable == true)
        #expect(server.receive(requestBytes("B", id: 3) { $0.request = nil }) == [.refuse(.shuttingDown, id: 3)])
        #expect(server.answer(0) == .send("request 0"))
    }

    // MARK: Ending

    @Test(
        "closes on bytes that are no frames, after the requests before them",
        arguments: [
            (Array("GET / HTTP/1.1".utf8), FramingError.notThisProtocol),
            (Array("PRPC".utf8) + [0, 0, 0, 2, 0, 0, 0, 2, 0xFF, 0xFF], .malformedMeta),
            (Array("PRPC".utf8) + [0, 0, 0, 1, 0, 0, 0, 2], .metaExceedsBody(meta: 2, body: 1)),
        ])
    func unparseable(_ bytes: [UInt8], _ error: FramingError) {
        var server = ServerUnderTest()
        #expect(server.receive(requestBytes("A", id: 1) + bytes) == [.start(0, id: 1), .closeUnparseable(error)])
        #expect(server.machine.phase == .closing && !server.wantsBytes)
        #expect(server.receive(requestBytes("B", id: 2)) == [])
        #expect(server.answer(0) == .send("request 0"))
    }

    @Test("takes nothing more once it was told to stop, and sends what is still answered")
    func stopped() {
        var server = ServerUnderTest { $0.maximumInFlightPerConnection = 1 }
        _ = server.receive(requestBytes("A", id: 1) + requestBytes("B", id: 2))
        server.machine.stopTakingRequests()
        #expect(server.answer(0) == .send("request 0"))
        #expect(server.goOn() == [] && !server.wantsBytes)
    }

    @Test("gives everything in flight back to be cancelled when the connection is gone, and then does nothing")
    func closed() {
        var server = ServerUnderTest()
        _ = server.receive(requestBytes("A", id: 1) + requestBytes("B", id: 2))
        #expect(server.machine.closed().sorted() == ["request 0", "request 1"])
        #expect(server.machine.requestsInFlight == 0 && server.machine.bytesInFlight == 0)
        #expect(server.answer(0) == .wait)
        #expect(server.receive(requestBytes("C", id: 3)) == [])
        #expect(server.expireRequests(at: 1000) == [])
        #expect(server.check(at: 1000) == .wait)
        server.machine.stopTakingRequests()
        #expect(server.machine.phase == .closed)
        #expect(server.machine.closed() == [])
    }

    @Test("ends from every state", arguments: ["open", "full", "verifying", "closing", "rejected"])
    func closedFromEverywhere(_ state: String) {
        var server = ServerUnderTest(principal: state == "verifying" || state == "rejected" ? nil : .anonymous) {
            $0.maximumInFlightPerConnection = 1
        }
        switch state {
        case "full": _ = server.receive(requestBytes("A", id: 1))
        case "verifying": _ = server.receive(requestBytes("A", id: 1))
        case "closing": server.machine.stopTakingRequests()
        case "rejected":
            _ = server.receive(requestBytes("A", id: 1))
            _ = server.verify(.failure(RPCError(.unauthenticated, "no")))
        default: break
        }
        #expect(server.machine.closed() == (state == "full" ? ["request 0"] : []))
        #expect(server.machine.phase == .closed && !server.wantsBytes)
        #expect(server.verify(.success(.anonymous)) == .wait)
        #expect(server.check(at: 10_000) == .wait)
    }
}
