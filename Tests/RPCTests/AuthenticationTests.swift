import NIOCore
import Testing

@testable import RPC

@Suite("Authentication", .timeLimit(.minutes(1)))
struct AuthenticationTests {
    @Test("is verified once a connection and known to every handler", arguments: Carrier.allCases)
    func accepted(_ carrier: Carrier) async throws {
        let authenticator = TokenAuthenticator(token: "secret", delay: .milliseconds(20))
        try await withServer(over: carrier, authenticator: authenticator, client: .authenticated("secret")) { fixture in
            // All at once: only the first carries the token, the others wait for the verdict.
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await fixture.say("", method: "Describe") } }
                for try await text in group { #expect(text == "device-7|device|eclm.Echo|Describe|true") }
            }
            #expect(authenticator.verifications.value == 1)
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("that fails is answered ERPCAUTH and ends the connection", arguments: Carrier.allCases)
    func refused(_ carrier: Carrier) async throws {
        let authenticator = TokenAuthenticator(token: "secret")
        try await withServer(over: carrier, authenticator: authenticator, client: .authenticated("guess")) { fixture in
            let error = await fixture.failure("x", method: "Wait")
            #expect(error?.status == .unauthenticated)
            #expect(error?.message.contains("token") == true)
            #expect(await eventually { fixture.server.statistics.connections == 0 })
            #expect(fixture.echo.started.value == 0)
        }
    }

    @Test("missing where it is needed is refused, whatever follows")
    func missing() async throws {
        try await withServer(authenticator: TokenAuthenticator(token: "secret", delay: .milliseconds(30))) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            let late = requestBytes("Say", "b", id: 2) { $0.authenticationData = Array("secret".utf8) }
            try await raw.send(requestBytes("Say", "a", id: 1) + late)
            let response = await raw.response()
            #expect(response?.id == 1)
            #expect(response?.code == 1004)
            #expect(await raw.response() == nil)
        }
    }

    @Test("that takes longer than the first request waits is refused")
    func slow() async throws {
        try await withServer(authenticator: TokenAuthenticator(token: "secret", delay: .seconds(20))) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Say", id: 1, timeoutMilliseconds: 50))
            #expect(await raw.response()?.code == 1008)
            #expect(await raw.response() == nil)
        }
    }

    @Test("is not needed by default: everybody is anonymous", arguments: Carrier.allCases)
    func anonymous(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            try await #expect(fixture.say("", method: "Describe") == "anonymous||eclm.Echo|Describe|true")
        }
    }
}
