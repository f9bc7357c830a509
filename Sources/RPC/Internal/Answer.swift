/// An encoded response on its way to a connection.
struct Answer: Sendable {
    /// `nil` only if encoding failed, which bounded text cannot.
    var frame: EncodedFrame?
    var status: RPCStatus
}
