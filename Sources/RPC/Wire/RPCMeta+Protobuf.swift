import CProtobufC
import CProtocol
import NIOCore
import ProtobufText

extension RPCMeta {
    /// The metadata in `bytes`; `nil` where they are no `RpcMeta` or a required field is missing.
    init?(decoding bytes: ByteBuffer) {
        let unpacked = bytes.withUnsafeReadableBytes { raw in
            eclm__rpc__rpc_meta__unpack(nil, raw.count, raw.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        guard let unpacked else { return nil }
        defer { eclm__rpc__rpc_meta__free_unpacked(unpacked, nil) }
        let meta = unpacked.pointee
        guard let descriptor = meta.base.descriptor else { return nil }
        request = meta.request.map { Request($0.pointee) }
        response = meta.response.map { Response($0.pointee) }
        textFault = bytes.withUnsafeReadableBytes { raw in
            TextFault.first(in: raw, of: descriptor)?.description
        }
        if meta.has_compress_type != 0 { compressType = meta.compress_type }
        if meta.has_correlation_id != 0 { correlationID = meta.correlation_id }
        if meta.has_attachment_size != 0 { attachmentSize = meta.attachment_size }
        if meta.has_authentication_data != 0 {
            let data = meta.authentication_data
            authenticationData = data.data.map { Array(UnsafeBufferPointer(start: $0, count: data.len)) } ?? []
        }
    }

    /// Appends the encoded metadata to `buffer`, behind a frame header that counts `bodyBytes` more bytes.
    ///
    /// `reserve` bytes are kept free for what the caller appends.
    func writeFrameStart(to buffer: inout ByteBuffer, bodyBytes: Int, reserving reserve: Int) {
        withPackable { meta in
            let size = eclm__rpc__rpc_meta__get_packed_size(meta)
            buffer.reserveCapacity(minimumWritableBytes: Frame.headerBytes + size + reserve)
            buffer.writeInteger(Frame.magic)
            buffer.writeInteger(UInt32(size + bodyBytes))
            buffer.writeInteger(UInt32(size))
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { space in
                guard let start = space.baseAddress else { return 0 }
                return eclm__rpc__rpc_meta__pack(meta, start.assumingMemoryBound(to: UInt8.self))
            }
        }
    }

    /// Runs `body` with the C struct of this value; its pointers are valid within `body` only.
    private func withPackable(_ body: (UnsafePointer<Eclm__Rpc__RpcMeta>) -> Void) {
        var meta = Eclm__Rpc__RpcMeta()
        eclm__rpc__rpc_meta__init(&meta)
        if compressType != 0 { (meta.has_compress_type, meta.compress_type) = (1, compressType) }
        (meta.has_correlation_id, meta.correlation_id) = (1, correlationID)
        if attachmentSize != 0 { (meta.has_attachment_size, meta.attachment_size) = (1, attachmentSize) }
        if let request {
            request.withPackable { packed in
                meta.request = UnsafeMutablePointer(mutating: packed)
                guard let authenticationData else { return body(&meta) }
                authenticationData.withUnsafeBufferPointer { data in
                    meta.has_authentication_data = 1
                    meta.authentication_data.len = data.count
                    meta.authentication_data.data = UnsafeMutablePointer(mutating: data.baseAddress)
                    body(&meta)
                }
            }
        } else if let response {
            response.withPackable { packed in
                meta.response = UnsafeMutablePointer(mutating: packed)
                body(&meta)
            }
        } else {
            body(&meta)
        }
    }
}

extension RPCMeta.Request {
    fileprivate init(_ packed: Eclm__Rpc__RpcRequestMeta) {
        service = packed.service_name.map { String(cString: $0) } ?? ""
        method = packed.method_name.map { String(cString: $0) } ?? ""
        logID = packed.has_log_id != 0 ? packed.log_id : nil
        traceID = packed.has_trace_id != 0 ? packed.trace_id : nil
        spanID = packed.has_span_id != 0 ? packed.span_id : nil
        parentSpanID = packed.has_parent_span_id != 0 ? packed.parent_span_id : nil
        requestID = packed.request_id.map { String(cString: $0) }
        timeoutMilliseconds = packed.has_timeout_ms != 0 ? packed.timeout_ms : nil
    }

    fileprivate func withPackable(_ body: (UnsafePointer<Eclm__Rpc__RpcRequestMeta>) -> Void) {
        var packed = Eclm__Rpc__RpcRequestMeta()
        eclm__rpc__rpc_request_meta__init(&packed)
        if let logID { (packed.has_log_id, packed.log_id) = (1, logID) }
        if let traceID { (packed.has_trace_id, packed.trace_id) = (1, traceID) }
        if let spanID { (packed.has_span_id, packed.span_id) = (1, spanID) }
        if let parentSpanID { (packed.has_parent_span_id, packed.parent_span_id) = (1, parentSpanID) }
        if let timeoutMilliseconds { (packed.has_timeout_ms, packed.timeout_ms) = (1, timeoutMilliseconds) }
        service.withCString { service in
            method.withCString { method in
                packed.service_name = UnsafeMutablePointer(mutating: service)
                packed.method_name = UnsafeMutablePointer(mutating: method)
                guard let requestID else { return body(&packed) }
                requestID.withCString { requestID in
                    packed.request_id = UnsafeMutablePointer(mutating: requestID)
                    body(&packed)
                }
            }
        }
    }
}

extension RPCMeta.Response {
    fileprivate init(_ packed: Eclm__Rpc__RpcResponseMeta) {
        code = packed.has_error_code != 0 ? packed.error_code : 0
        text = packed.error_text.map { String(cString: $0) } ?? ""
    }

    fileprivate func withPackable(_ body: (UnsafePointer<Eclm__Rpc__RpcResponseMeta>) -> Void) {
        var packed = Eclm__Rpc__RpcResponseMeta()
        eclm__rpc__rpc_response_meta__init(&packed)
        (packed.has_error_code, packed.error_code) = (1, code)
        guard !text.isEmpty else { return body(&packed) }
        text.withCString { text in
            packed.error_text = UnsafeMutablePointer(mutating: text)
            body(&packed)
        }
    }
}
