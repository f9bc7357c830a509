import CProtocol
import ProtobufText

/// A message that libprotobuf-c encodes and decodes through its generated C struct.
package protocol CBackedMessage: WireMessage {
    associatedtype CStruct

    static var wireName: String { get }
    /// The struct as `…__init` leaves it: descriptor set, fields at their defaults.
    static func emptyStruct() -> CStruct
    /// Every text in `c` has been found whole.
    init(reading c: CStruct)
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
        else { throw WireError(message: Self.wireName) }
        defer { protobuf_c_message_free_unpacked(message, nil) }
        if let descriptor, let fault = TextFault.first(in: bytes, of: descriptor) {
            throw WireError(message: Self.wireName, fault: fault)
        }
        let c = UnsafeRawPointer(message).assumingMemoryBound(to: CStruct.self)
        self.init(reading: c.pointee)
    }

    /// Every generated struct begins with its `ProtobufCMessage`, which points to the descriptor.
    private static var descriptor: UnsafePointer<ProtobufCMessageDescriptor>? {
        withUnsafeBytes(of: emptyStruct()) { $0.load(as: ProtobufCMessage.self).descriptor }
    }
}

func readString(_ text: UnsafeMutablePointer<CChar>?) -> String {
    text.map { String(cString: $0) } ?? ""
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

func readStrings(_ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
    readScalars(values, count).map(readString)
}

func readMessage<M: CBackedMessage>(_ c: UnsafeMutablePointer<M.CStruct>?) -> M? {
    c.map { M(reading: $0.pointee) }
}

func readMessages<M: CBackedMessage>(
    _ values: UnsafeMutablePointer<UnsafeMutablePointer<M.CStruct>?>?, _ count: Int
) -> [M] {
    readScalars(values, count).compactMap(readMessage)
}
