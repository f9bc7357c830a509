import CProtocol
import NIOCore

/// A message that libprotobuf-c encodes and decodes through its generated C struct.
package protocol CBackedMessage: WireMessage {
    associatedtype CStruct

    static var wireName: String { get }
    /// The struct as `…__init` leaves it: descriptor set, fields at their defaults.
    static func emptyStruct() -> CStruct
    init(reading c: CStruct) throws(WireError)
    /// Sets every field of `c`; what the fields point to lives as long as `arena`.
    func fill(_ c: inout CStruct, in arena: Arena)
}

extension CBackedMessage {
    /// Decodes with libprotobuf-c, which ignores fields it does not know.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(WireError) {
        let descriptor = Self.descriptor
        guard
            let message = protobuf_c_message_unpack(
                descriptor, nil, bytes.count, bytes.bindMemory(to: UInt8.self).baseAddress)
        else { throw WireError(message: Self.wireName, field: nil) }
        defer { protobuf_c_message_free_unpacked(message, nil) }
        let c = UnsafeRawPointer(message).assumingMemoryBound(to: CStruct.self)
        do {
            try self.init(reading: c.pointee)
        } catch {
            throw WireError(message: Self.wireName, field: error.field)
        }
    }

    /// Encodes with libprotobuf-c, fields in the order of their numbers.
    public func encoded() -> ByteBuffer {
        let arena = Arena()
        return withExtendedLifetime(arena) {
            let c = arena.message(self)
            let base = UnsafeRawPointer(c).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = protobuf_c_message_get_packed_size(base)
            var buffer = ByteBufferAllocator().buffer(capacity: size)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
                protobuf_c_message_pack(base, bytes.bindMemory(to: UInt8.self).baseAddress)
            }
            return buffer
        }
    }

    /// Every generated struct begins with its `ProtobufCMessage`, which points to the descriptor.
    private static var descriptor: UnsafePointer<ProtobufCMessageDescriptor>? {
        withUnsafeBytes(of: emptyStruct()) { $0.load(as: ProtobufCMessage.self).descriptor }
    }
}

func readString(_ text: UnsafeMutablePointer<CChar>?, _ field: String) throws(WireError) -> String {
    guard let text else { return "" }
    guard let string = String(validatingCString: text) else { throw WireError(message: "", field: field) }
    return string
}

func readBytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    Array(UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
}

func readScalars<T>(_ values: UnsafeMutablePointer<T>?, _ count: Int) -> [T] {
    Array(UnsafeBufferPointer(start: values, count: values == nil ? 0 : count))
}

func readByteStrings(_ values: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int) -> [[UInt8]] {
    readScalars(values, count).map(readBytes)
}

func readStrings(
    _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int, _ field: String
) throws(WireError) -> [String] {
    var strings: [String] = []
    strings.reserveCapacity(count)
    for text in readScalars(values, count) { strings.append(try readString(text, field)) }
    return strings
}

func readMessage<M: CBackedMessage>(_ c: UnsafeMutablePointer<M.CStruct>?) throws(WireError) -> M? {
    guard let c else { return nil }
    return try M(reading: c.pointee)
}

func readMessages<M: CBackedMessage>(
    _ values: UnsafeMutablePointer<UnsafeMutablePointer<M.CStruct>?>?, _ count: Int
) throws(WireError) -> [M] {
    var messages: [M] = []
    messages.reserveCapacity(count)
    for c in readScalars(values, count) {
        if let message: M = try readMessage(c) { messages.append(message) }
    }
    return messages
}
