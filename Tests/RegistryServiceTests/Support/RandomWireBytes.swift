import CProtobufC
import CProtocol
import ECLMCore
import RegistryProtocol
import Testing

/// Writes random messages of any type as protobuf encodes them: every field present, in order of number. Independent of
/// the code under test but for the C descriptors, which protoc-c makes from the same proto files.
struct RandomWireBytes {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// A random message of a type.
    mutating func message(of type: (some CBackedMessage).Type) throws -> [UInt8] {
        let descriptor = withUnsafeBytes(of: type.emptyStruct()) { $0.load(as: ProtobufCMessage.self).descriptor }
        return try message(#require(descriptor))
    }

    private mutating func message(_ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<Int(descriptor.pointee.n_fields) {
            let field = descriptor.pointee.fields[index]
            let isRepeated = field.label == PROTOBUF_C_LABEL_REPEATED
            let isPacked = field.flags & UInt32(PROTOBUF_C_FIELD_FLAG_PACKED.rawValue) != 0
            let count = isRepeated ? Int.random(in: 0...3, using: &generator) : 1
            if isPacked {
                guard count > 0 else { continue }
                var values: [UInt8] = []
                for _ in 0..<count { values += try value(field).bytes }
                bytes += tag(field, 2) + varint(UInt64(values.count)) + values
            } else {
                for _ in 0..<count {
                    let (wireType, value) = try value(field)
                    bytes += tag(field, wireType) + value
                }
            }
        }
        return bytes
    }

    private mutating func value(_ field: ProtobufCFieldDescriptor) throws -> (wireType: UInt64, bytes: [UInt8]) {
        switch field.type {
        case PROTOBUF_C_TYPE_INT32:
            return (0, varint(UInt64(bitPattern: Int64(Int32.random(in: .min ... .max, using: &generator)))))
        case PROTOBUF_C_TYPE_INT64: return (0, varint(generator.next()))
        case PROTOBUF_C_TYPE_BOOL: return (0, varint(generator.next() & 1))
        case PROTOBUF_C_TYPE_ENUM: return (0, varint(UInt64.random(in: 0...99, using: &generator)))
        case PROTOBUF_C_TYPE_DOUBLE:
            return (1, withUnsafeBytes(of: generator.next().littleEndian) { Array($0) })
        case PROTOBUF_C_TYPE_STRING:
            let characters: [Character] = ["a", "Z", "é", "語", "🦊", " ", "\"", "\u{1}"]
            let text = String(
                (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    characters.randomElement(using: &generator) ?? "a"
                })
            return (2, varint(UInt64(text.utf8.count)) + Array(text.utf8))
        case PROTOBUF_C_TYPE_BYTES:
            let data = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            return (2, varint(UInt64(data.count)) + data)
        case PROTOBUF_C_TYPE_MESSAGE:
            let inner = try message(
                #require(field.descriptor).assumingMemoryBound(to: ProtobufCMessageDescriptor.self))
            return (2, varint(UInt64(inner.count)) + inner)
        default: throw UnknownFieldType()
        }
    }

    private func tag(_ field: ProtobufCFieldDescriptor, _ wireType: UInt64) -> [UInt8] {
        varint(UInt64(field.id) << 3 | wireType)
    }

    private func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    struct UnknownFieldType: Error {}
}
