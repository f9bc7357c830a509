import RegistryProtocol
import Testing

@Suite("Credentials")
struct CredentialTests {
    @Test(
        "A credential reads as it was written",
        arguments: [
            Credential.device(id: "cam:1", token: (0..<32).map { $0 &* 9 }), .bearer("s3cret"),
        ])
    func roundTrip(credential: Credential) {
        #expect(Credential(authenticationData: credential.authenticationData) == credential)
    }

    @Test(
        "What is no credential is refused",
        arguments: [
            "", "device", "device cam-1", "device cam-1 abcd", "device  \(String(repeating: "a", count: 64))",
            "device cam-1 \(String(repeating: "g", count: 64))", "device cam-1 \(String(repeating: "a", count: 64)) x",
            "bearer", "bearer ", "bearer a b", "basic x", "bearer \(String(repeating: "x", count: 2000))",
        ])
    func refused(text: String) {
        #expect(Credential(authenticationData: Array(text.utf8)) == nil)
    }

    @Test("Bytes that are not UTF-8 are refused")
    func notText() {
        #expect(Credential(authenticationData: [0x62, 0x65, 0xFF]) == nil)
    }
}
