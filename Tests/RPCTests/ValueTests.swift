import Testing

@testable import RPC

@Suite("Names and addresses")
struct ValueTests {
    @Test("a status has the name its standard gives it")
    func names() {
        #expect(RPCStatus.noSuchService.name == "ENOSERVICE")
        #expect(RPCStatus.shuttingDown.code == 2003)
        #expect(RPCStatus.notFound.code == 20_005)
        #expect(RPCStatus.notFound.name == "NOT_FOUND")
        #expect(RPCStatus(code: 20_016).name == "UNAUTHENTICATED")
        #expect(RPCStatus(code: 77).name == "STATUS_77")
        #expect(RPCStatus(code: .min).name == "STATUS_-2147483648")
    }

    @Test("equal codes flatten instead of nesting")
    func flattening() {
        struct Root: Error {}
        let inner = RPCError(.unavailable, "inner", cause: Root())
        #expect(RPCError(.unavailable, "outer", cause: inner).cause is Root)
        #expect(RPCError(.dataLoss, "outer", cause: inner).cause is RPCError)
    }

    @Test(
        "an endpoint reads back what it writes", arguments: ["10.0.0.1:80", "[::1]:8000", "unix:/run/x.sock", "db:1"])
    func endpoints(_ text: String) {
        #expect(RPCEndpoint(text)?.description == text)
    }

    @Test(
        "an endpoint that is none is refused", arguments: ["", "host", "host:", ":80", "host:99999", "::1:80", "unix:"])
    func badEndpoints(_ text: String) {
        #expect(RPCEndpoint(text) == nil)
    }

    @Test("durations keep within the numbers they become")
    func durations() {
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
        #expect(Duration.microseconds(1).wholeMilliseconds == 1)
        #expect(Duration.milliseconds(1500).wholeMilliseconds == 1500)
        #expect(Duration.zero.wholeMilliseconds == 1)
    }
}
