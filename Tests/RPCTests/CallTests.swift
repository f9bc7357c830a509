import NIOCore
import RPC
import Testing

@Suite("A call", .timeLimit(.minutes(1)))
struct CallTests {
    @Test("is answered", arguments: Carrier.allCases)
    func answered(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            try await #expect(fixture.say("hello") == "hello")
            try await #expect(fixture.say("inline", method: "SayInline") == "inline")
            try await #expect(fixture.say("") == "")
            #expect(fixture.caller.connectionsOpened == 1)
            #expect(fixture.server.statistics.requests == 3)
            #expect(fixture.server.statistics.bytesReceived == fixture.caller.bytesSent)
            #expect(fixture.server.statistics.bytesSent == fixture.caller.bytesReceived)
        }
    }

    @Test("carries an attachment of 32 MiB there and back, byte for byte", arguments: Carrier.allCases)
    func attachment(_ carrier: Carrier) async throws {
        var attachment = ByteBuffer()
        attachment.writeWithUnsafeMutableBytes(minimumWritableBytes: 32 << 20) { space in
            var state: UInt32 = 1
            for index in 0..<(32 << 20) {
                state = state &* 1_664_525 &+ 1_013_904_223
                space[index] = UInt8(truncatingIfNeeded: state >> 24)
            }
            return 32 << 20
        }
        try await withServer(over: carrier) { fixture in
            for _ in 0..<2 {
                let response = try await fixture.caller.call(
                    service: "eclm.Echo", method: "Say", payload: ByteBuffer(string: "beside"), attachment: attachment)
                #expect(String(buffer: response.payload) == "beside")
                #expect(response.attachment == attachment)
            }
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("does not wait for an earlier one on the same connection", arguments: Carrier.allCases)
    func multiplexed(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            async let slow = fixture.say("slow", method: "Wait")
            #expect(await eventually { fixture.echo.started.value == 1 })
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<500 {
                    group.addTask { try await fixture.say("\(number)") == "\(number)" }
                }
                for try await isRight in group { #expect(isRight) }
            }
            fixture.echo.gate.open()
            try await #expect(slow == "slow")
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("of an unknown name fails plainly and leaves the connection alone", arguments: Carrier.allCases)
    func unknownNames(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            #expect(await fixture.failure("", method: "Nothing")?.status == .noSuchMethod)
            let error = await #expect(throws: RPCError.self) {
                try await fixture.caller.call(service: "eclm.None", method: "Say", payload: ByteBuffer())
            }
            #expect(error?.status == .noSuchService)
            #expect(error?.message.contains("eclm.None") == true)
            try await #expect(fixture.say("still here") == "still here")
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("fails with the status and text its handler chose", arguments: Carrier.allCases)
    func handlerErrors(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            let refused = await fixture.failure("20005", method: "Refuse")
            #expect(refused?.status == .notFound)
            #expect(refused?.message == "refused as asked")
            #expect(await fixture.failure("31337", method: "Refuse")?.status == RPCStatus(code: 31337))
            // A handler cannot fail with success.
            #expect(await fixture.failure("0", method: "Refuse")?.status == .internalError)
            try await #expect(fixture.say("still here") == "still here")
            #expect(fixture.server.statistics.failures == 3)
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("tells nothing of an unexpected failure's detail", arguments: Carrier.allCases)
    func unexpectedErrors(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            let error = await fixture.failure("", method: "Break")
            #expect(error?.status == .internalError)
            #expect(error?.message.contains("hunter2") == false)
        }
    }

    @Test("bounds an error's text between characters")
    func boundedText() async throws {
        try await withServer { fixture in
            let error = await fixture.failure(String(repeating: "é", count: 5000), method: "Complain")
            #expect(error?.message == String(repeating: "é", count: 2048))
        }
    }

    @Test("whose answer would exceed the frame limit fails with ERESPONSE", arguments: Carrier.allCases)
    func oversizedResponse(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, configure: { $0.maximumFrameBytes = 4096 }) { fixture in
            #expect(await fixture.failure("5000", method: "Inflate")?.status == .badResponse)
            try await #expect(fixture.say("still here") == "still here")
        }
    }

    @Test("too large to send is refused before it is sent")
    func oversizedRequest() async throws {
        var client = RPCClientConfiguration()
        client.maximumFrameBytes = 1000
        try await withServer(client: client) { fixture in
            #expect(await fixture.failure(String(repeating: "x", count: 1000), method: "Say")?.status == .badRequest)
            #expect(fixture.caller.bytesSent == 0)
            try await #expect(fixture.say("small") == "small")
        }
    }

    @Test("past its timeout fails, cancels the handler, and leaves the connection alone", arguments: Carrier.allCases)
    func timeout(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            // A connection first: a call that never leaves the client has no handler to cancel.
            try await #expect(fixture.say("warm") == "warm")
            let clock = ContinuousClock()
            let begin = clock.now
            #expect(await fixture.failure("20000", method: "Sleep", timeout: .milliseconds(300))?.status == .timedOut)
            #expect(clock.now - begin < .seconds(5))
            #expect(await eventually { fixture.echo.cancellations.value == 1 })
            try await #expect(fixture.say("still here") == "still here")
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("ends at once when its task is cancelled", arguments: Carrier.allCases)
    func cancelled(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            let call = Task { await fixture.failure("x", method: "Wait") }
            #expect(await eventually { fixture.echo.started.value == 1 })
            call.cancel()
            #expect(await call.value?.status == .cancelled)
            #expect(await fixture.failure("x", method: "Say") == nil)
            fixture.echo.gate.open()
            try await #expect(fixture.say("still here") == "still here")
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("by an already cancelled task fails without hanging")
    func cancelledBefore() async throws {
        try await withServer { fixture in
            let call = Task {
                while !Task.isCancelled { await Task.yield() }
                return await fixture.failure("x", method: "Wait")
            }
            call.cancel()
            #expect(await call.value?.status == .cancelled)
        }
    }

    @Test("in flight when the caller goes away has its handler cancelled", arguments: Carrier.allCases)
    func disconnect(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            let call = Task { await fixture.failure("20000", method: "Sleep") }
            #expect(await eventually { fixture.echo.started.value == 1 })
            fixture.caller.close()
            #expect(await call.value?.status == .connectionClosed)
            #expect(await eventually { fixture.echo.cancellations.value == 1 })
            #expect(await eventually { fixture.server.statistics.inFlight == 0 })
            #expect(await fixture.failure("x", method: "Say")?.status == .connectionFailed)
        }
    }
}
