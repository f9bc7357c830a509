import NIOCore
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Messages")
struct WireTests {
    @Test("of every type are written as they were read, byte for byte")
    func roundTrips() throws {
        func check<M: CBackedMessage>(_ type: M.Type, seed: UInt64) throws {
            var random = RandomWireBytes(seed: seed)
            let bytes = try random.message(of: type)
            let written = try M(decoding: ByteBuffer(bytes: bytes)).encoded()
            #expect(Array(written.readableBytesView) == bytes, "\(type.wireName), seed \(seed)")
        }
        for type in Wire.messages {
            for seed: UInt64 in 1...50 { try check(type, seed: seed) }
        }
    }

    @Test("of every type are at their defaults when nothing was sent, and ignore what they do not know")
    func defaults() throws {
        func check<M: CBackedMessage>(_ type: M.Type) throws {
            let empty = try M().encoded()
            #expect(try M(decoding: ByteBuffer()).encoded() == empty, "\(type.wireName)")
            #expect(try M(decoding: empty).encoded() == empty, "\(type.wireName)")
            var newer = empty
            newer.writeBytes([0xFA, 0x7F, 0x02, 0x68, 0x69, 0xF8, 0x7F, 0x05])
            #expect(try M(decoding: newer).encoded() == empty, "\(type.wireName)")
        }
        for type in Wire.messages { try check(type) }
        #expect(Wire.WatchRequest().channel == "stable")
        #expect(Wire.RollbackRequest().channel == "stable")
        #expect(Wire.ComposeRequest().minimumPerLayer == 1)
        #expect(Wire.ComposeRequest().deviceId == nil)
        #expect(Wire.TrainedModule().encoding == "full")
        #expect(Wire.Requirements().minimumRuntime == "0.0.0")
        #expect(Wire.ReleaseSelector().number == nil)
        #expect(Wire.ModuleSlot().layer == nil)
        #expect(Wire.Budget().memory == nil)
    }

    @Test("cut short or changed at any byte are read or refused, and never worse")
    func corruption() throws {
        func check<M: CBackedMessage>(_ type: M.Type) throws {
            var random = RandomWireBytes(seed: 7)
            let bytes = try random.message(of: type)
            for end in bytes.indices {
                _ = try? M(decoding: ByteBuffer(bytes: bytes[..<end]))
                var changed = bytes
                changed[end] ^= UInt8(truncatingIfNeeded: 1 << (end % 8))
                _ = try? M(decoding: ByteBuffer(bytes: changed))
            }
        }
        for type in Wire.messages { try check(type) }
        #expect(throws: WireError.self) { try Wire.GetModelRequest(decoding: ByteBuffer(bytes: [0x0A, 0x05, 0x61])) }
        #expect(throws: WireError.self) { try Wire.GetModelRequest(decoding: ByteBuffer(bytes: [0x0A, 0x01, 0xFF])) }
    }

    @Test("keep credentials apart from what is none")
    func credentials() {
        let device = Credential.device(id: "Pi-4:kitchen", token: testBytes(32))
        #expect(Credential(authenticationData: device.authenticationData) == device)
        let bearer = Credential.bearer("0123456789abcdef")
        #expect(Credential(authenticationData: bearer.authenticationData) == bearer)
        for text in [
            "", "device", "device x", "device  " + String(repeating: "0", count: 64), "bearer ", "Bearer x", "x y",
        ] {
            #expect(Credential(authenticationData: Array(text.utf8)) == nil, "\(text)")
        }
        #expect(Credential(authenticationData: Array(("device x " + String(repeating: "0", count: 62)).utf8)) == nil)
        #expect(Credential(authenticationData: [0x62, 0xFF]) == nil)
    }
}
