import NIOCore

/// A request that its connection lets in: what a handler needs, and what is kept while it runs.
struct AdmittedRequest {
    /// Tells the connection's requests apart: a peer may use one correlation id twice.
    var number: UInt64
    var correlationID: Int64
    /// What is called, and what the caller says about the call.
    var named: RPCMeta.Request
    var request: RPCRequest
    var principal: RPCPrincipal
    var startedAt: NIODeadline
    var deadline: NIODeadline
    /// The bytes of its frame.
    var bytes: Int
}
