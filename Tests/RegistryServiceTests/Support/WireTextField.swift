import CProtobufC
import CProtocol
import RegistryProtocol
import Testing

/// A text field of a message or of one inside it, by the descriptors that protoc-c makes: writes messages that hold that
/// field alone.
struct WireTextField {
    /// Where it stands, as an error names it: `modules[0].name`.
    var path: String
    /// The numbers of the fields that lead to it.
    private var numbers: [UInt32]

    /// Every text field of a type.
    static func all(of type: (some CBackedMessage).Type) throws -> [WireTextField] {
        let descriptor = withUnsafeBytes(of: type.emptyStruct()) { $0.load(as: ProtobufCMessage.self).descriptor }
        return try all(of: #require(descriptor))
    }

    static func all(of descriptor: UnsafePointer<ProtobufCMessageDescriptor>) throws -> [WireTextField] {
        var found: [WireTextField] = []
        for index in 0..<Int(descriptor.pointee.n_fields) {
            let field = descriptor.pointee.fields[index]
            let isRepeated = field.label == PROTOBUF_C_LABEL_REPEATED
            let name = String(cString: field.name) + (isRepeated ? "[0]" : "")
            if field.type == PROTOBUF_C_TYPE_STRING {
                found.append(WireTextField(path: name, numbers: [field.id]))
            } else if field.type == PROTOBUF_C_TYPE_MESSAGE {
                let inner = try #require(field.descriptor).assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
                found += try all(of: inner).map {
                    WireTextField(path: "\(name).\($0.path)", numbers: [field.id] + $0.numbers)
                }
            }
        }
        return found
    }

    /// A message with these bytes as the text.
    func message(_ text: [UInt8]) -> [UInt8] {
        numbers.reversed().reduce(text) { inner, number in
            Self.varint(UInt64(number) << 3 | 2) + Self.varint(UInt64(inner.count)) + inner
        }
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
