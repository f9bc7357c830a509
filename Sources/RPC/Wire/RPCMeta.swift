/// The metadata of a frame: `RpcMeta` of baidu_std as a value. See docs/protocol.md, "Metadata".
struct RPCMeta: Sendable, Equatable {
    struct Request: Sendable, Equatable {
        var service: String
        var method: String
        var logID: Int64?
        var traceID: Int64?
        var spanID: Int64?
        var parentSpanID: Int64?
        var requestID: String?
        /// Milliseconds the caller waits; `nil` when it does not say.
        var timeoutMilliseconds: Int32?
    }

    struct Response: Sendable, Equatable {
        var code: Int32 = 0
        var text: String = ""
    }

    /// Present exactly in requests.
    var request: Request?
    /// Present exactly in responses.
    var response: Response?
    /// 0 none, 1 snappy, 2 gzip; only 0 is offered here.
    var compressType: Int32 = 0
    /// Chosen by the caller, echoed by the server.
    var correlationID: Int64 = 0
    /// Trailing bytes of the body that are the attachment. Signed on the wire, so a peer may claim nonsense.
    var attachmentSize: Int32 = 0
    var authenticationData: [UInt8]?
    /// What is wrong with a text in it, where one is not as it was sent: a request with it is refused.
    var textFault: String?
}
