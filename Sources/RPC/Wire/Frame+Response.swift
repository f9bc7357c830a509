extension Frame {
    /// What the server answered, if this frame with the metadata `meta` is a response.
    func response(_ meta: RPCMeta) -> Result<RPCResponse, RPCError> {
        guard let response = meta.response else {
            return .failure(RPCError(.badResponse, "the server sent a frame without response metadata"))
        }
        guard response.code == 0 else {
            // The status counts even where its text cannot be read.
            let text = meta.textFault.map { "the server's message cannot be shown: \($0)" }
            return .failure(RPCError(RPCStatus(code: response.code), text ?? response.text))
        }
        if let fault = meta.textFault {
            return .failure(RPCError(.badResponse, "the response's metadata (RpcMeta): \(fault)"))
        }
        guard meta.compressType == 0 else {
            return .failure(
                RPCError(.badResponse, "the response uses compress_type \(meta.compressType), which is not supported"))
        }
        guard let (payload, attachment) = parts(attachmentSize: meta.attachmentSize) else {
            return .failure(
                RPCError(.badResponse, "attachment_size \(meta.attachmentSize) does not fit the response's body"))
        }
        return .success(RPCResponse(payload: payload, attachment: attachment))
    }
}
