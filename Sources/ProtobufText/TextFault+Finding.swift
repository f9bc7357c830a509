package import CProtobufC

extension TextFault {
    /// The first string at fault in the encoding of a message, of the messages inside it too; `nil` where all are whole.
    ///
    /// protobuf-c hands strings over as C strings, in which everything behind a NUL is lost; so the bytes are looked at
    /// before it has made those. Bytes that are no such message have no strings: protobuf-c refuses them.
    package static func first(
        in bytes: UnsafeRawBufferPointer, of descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> TextFault? {
        var reader = FieldReader(bytes)
        while let tag = reader.tag() {
            let start = reader.offset
            guard tag.isDelimited else {
                guard reader.skip(tag) else { return nil }
                continue
            }
            guard let value = reader.delimited() else { return nil }
            guard let field = protobuf_c_message_descriptor_get_field(descriptor, tag.field) else { continue }
            guard var fault = fault(of: value, in: field.pointee) else { continue }
            var name = String(cString: field.pointee.name)
            if field.pointee.label == PROTOBUF_C_LABEL_REPEATED {
                name += "[\(FieldReader.count(tag, in: UnsafeRawBufferPointer(rebasing: bytes[..<start])) - 1)]"
            }
            fault.path = fault.path.isEmpty ? name : "\(name).\(fault.path)"
            return fault
        }
        return nil
    }

    private static func fault(of value: UnsafeRawBufferPointer, in field: ProtobufCFieldDescriptor) -> TextFault? {
        switch field.type {
        case PROTOBUF_C_TYPE_STRING:
            return kind(of: value).map { TextFault(path: "", kind: $0) }
        case PROTOBUF_C_TYPE_MESSAGE:
            return field.descriptor.flatMap {
                first(in: value, of: $0.assumingMemoryBound(to: ProtobufCMessageDescriptor.self))
            }
        default:
            return nil
        }
    }

    /// What is wrong with a text; almost every one is ASCII, which is seen in one pass.
    private static func kind(of text: UnsafeRawBufferPointer) -> Kind? {
        var seen: UInt8 = 0
        for byte in text {
            if byte == 0 { return .nul }
            seen |= byte
        }
        return seen < 0x80 || String(validating: text, as: UTF8.self) != nil ? nil : .notUTF8
    }
}
