/// How a client's connection ended, for the pool to decide when to try again.
enum ConnectionOutcome: Sendable {
    /// It served, or was closed on purpose.
    case served
    /// It could not be opened, or ended before it answered anything.
    case failed(RPCError)
}
