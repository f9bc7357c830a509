import ECLMCore
import Logging
import Testing

@testable import Monitoring

@Suite("Where metrics are served")
struct MonitoringErrorTests {
    @Test(
        "is an address that reads back what it writes",
        arguments: ["10.0.0.1:80", "[::1]:9420", "unix:/run/x.sock", "localhost:0", "db.example:65535"])
    func addresses(_ text: String) {
        #expect(MetricsAddress(text)?.description == text)
    }

    @Test(
        "is no address without a host and a port, and then the setting is refused",
        arguments: ["", "here", "host:", ":80", "host:65536", "host:x", "::1:80", "unix:", "[]:80"])
    func noAddresses(_ text: String) {
        #expect(MetricsAddress(text) == nil)
        let error = #expect(throws: MonitoringError.self) { try Monitoring(setting: text) }
        #expect(error?.code == .invalidAddress && error?.exitStatus == .refused)
        #expect(error?.message.contains("write HOST:PORT") == true)
    }

    @Test("is nowhere where nothing is set")
    func unset() throws {
        try #expect(Monitoring(setting: nil) == nil)
    }

    @Test("is an address that can be had, or the program ends as one that may be tried again")
    func unavailable() async throws {
        let server = MetricsServer(
            store: MetricsStore(), address: .unix(path: "/nowhere/metrics.sock"), logger: Logger(label: "test"))
        let error = await #expect(throws: MonitoringError.self) { try await server.run() }
        #expect(error?.code == .addressUnavailable && error?.exitStatus == .unavailable)
        #expect(error?.message.contains("give --metrics another address") == true)
        #expect(error?.cause != nil)
    }
}
