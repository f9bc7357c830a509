import ECLMCore
import Foundation
import NIOCore
import RegistryProtocol
import TestSupport
import Testing

@Suite("Text on the wire")
struct WireTextTests {
    /// Bytes that no text consists of, and what is said about them.
    private static let faults: [(bytes: [UInt8], problem: String)] = [
        (Array("a\0b".utf8), "holds a NUL character"), ([0], "holds a NUL character"),
        (Array("name\0".utf8), "holds a NUL character"),
        ([0xFF], "is not UTF-8 text"), ([0x61, 0xC3], "is not UTF-8 text"),
        ([0xC0, 0x80], "is not UTF-8 text"),  // NUL in two bytes
        ([0xED, 0xA0, 0x80], "is not UTF-8 text"),  // half of a surrogate pair
        ([0xF4, 0x90, 0x80, 0x80], "is not UTF-8 text"),  // beyond Unicode
        (Array(String(repeating: "é", count: 40).utf8) + [0xE9], "is not UTF-8 text"),
    ]

    @Test("in any field of any message is refused by name where it holds a NUL or is no UTF-8")
    func everyField() throws {
        func check<M: CBackedMessage>(_ type: M.Type) throws -> Int {
            let fields = try WireTextField.all(of: type)
            for field in fields {
                for fault in Self.faults {
                    let error = #expect(throws: WireError.self) {
                        try M(decoding: ByteBuffer(bytes: field.message(fault.bytes)))
                    }
                    #expect(error?.field == field.path, "\(type.wireName)")
                    let text = "\(field.path) in the \(type.wireName) \(fault.problem)"
                    #expect(error?.description.contains(text) == true)
                }
                let whole = field.message(Array("\u{1}é e\u{301}語🦊".utf8))
                let message = try M(decoding: ByteBuffer(bytes: whole)).encoded()
                #expect(try M(decoding: message).encoded() == message, "\(type.wireName) \(field.path)")
            }
            return fields.count
        }
        var fields = 0
        for type in Wire.messages { fields += try check(type) }
        #expect(fields > 200)
    }

    @Test("is looked at in every message that proto/ has")
    func everyMessage() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var declared: Set<String> = []
        let files = try FileManager.default.contentsOfDirectory(
            at: root.appending(path: "proto"), includingPropertiesForKeys: nil)
        for file in files where file.lastPathComponent != "baidu_rpc_meta.proto" {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: /(?m)^message (\w+)/) {
                declared.insert("eclm.v1.\(match.1)")
            }
        }
        #expect(Set(Wire.messages.map { $0.wireName }) == declared)
    }

    @Test("at fault is named by its place among others")
    func places() throws {
        var request = Wire.PublishRequest()
        request.modules = ["a", "b", "c"].map { name in
            var module = Wire.ManifestModule()
            module.name = name
            return module
        }
        var bytes = try Array(request.encoded().readableBytesView)
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "b")))
        bytes[place] = 0
        let error = #expect(throws: WireError.self) { try Wire.PublishRequest(decoding: ByteBuffer(bytes: bytes)) }
        #expect(error?.field == "modules[1].name")
    }

    @Test("is never sent shortened")
    func writing() throws {
        var request = Wire.GetModelRequest()
        request.model = "a\0b"
        let error = #expect(throws: WireError.self) { try request.encoded() }
        #expect(error?.description.contains("model in the eclm.v1.GetModelRequest holds a NUL character") == true)
        var registration = Wire.RegisterDeviceRequest()
        var attribute = Wire.Attribute()
        attribute.key = "x\0"
        registration.attributes = [attribute]
        #expect(throws: WireError.self) { try registration.encoded() }
    }

    @Test("of every message, random and changed in any byte, is read as it stands or refused")
    func changes() throws {
        func check<M: CBackedMessage>(_ type: M.Type, seed: UInt64) throws {
            var random = RandomWireBytes(seed: seed)
            let bytes = try random.message(of: type)
            for place in bytes.indices {
                var changed = bytes
                changed[place] = 0
                guard let message = try? M(decoding: ByteBuffer(bytes: changed)) else { continue }
                // What was read is written, and is read again as the same: nothing was cut off.
                let written = try message.encoded()
                #expect(try M(decoding: written).encoded() == written, "\(type.wireName), byte \(place)")
            }
        }
        for type in Wire.messages { try check(type, seed: 11) }
    }
}
