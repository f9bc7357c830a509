import CProtocol
import ProtobufText

/// Owns the memory that a C message under construction points to, and frees it all at once.
package final class Arena {
    private var allocations: [UnsafeMutableRawPointer] = []
    /// The first text that C would end too early.
    private(set) var fault: TextFault?

    deinit {
        for allocation in allocations { allocation.deallocate() }
    }

    private func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count * MemoryLayout<T>.stride), alignment: MemoryLayout<T>.alignment)
        allocations.append(raw)
        return raw.bindMemory(to: T.self, capacity: max(1, count))
    }

    func string(_ text: String, _ field: String) -> UnsafeMutablePointer<CChar> {
        var text = text
        return text.withUTF8 { utf8 in
            if fault == nil, utf8.contains(0) { fault = TextFault(path: field, kind: .nul) }
            let copy = allocate(CChar.self, count: utf8.count + 1)
            UnsafeMutableRawPointer(copy).copyMemory(
                from: UnsafeRawPointer(utf8.baseAddress ?? UnsafePointer(bitPattern: 1)!), byteCount: utf8.count)
            copy[utf8.count] = 0
            return copy
        }
    }

    func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: bytes.count, data: scalars(bytes))
    }

    func scalars<T>(_ values: [T]) -> UnsafeMutablePointer<T> {
        let copy = allocate(T.self, count: values.count)
        copy.initialize(from: values, count: values.count)
        return copy
    }

    func strings(_ texts: [String], _ field: String) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        scalars(texts.map { Optional(string($0, field)) })
    }

    func byteStrings(_ values: [[UInt8]]) -> UnsafeMutablePointer<ProtobufCBinaryData> {
        scalars(values.map { bytes($0) })
    }

    func message<M: CBackedMessage>(_ message: M) -> UnsafeMutablePointer<M.CStruct> {
        let c = allocate(M.CStruct.self, count: 1)
        c.initialize(to: M.emptyStruct())
        message.fill(&c.pointee, in: self)
        return c
    }

    func messages<M: CBackedMessage>(_ messages: [M]) -> UnsafeMutablePointer<UnsafeMutablePointer<M.CStruct>?> {
        scalars(messages.map { Optional(message($0)) })
    }
}
