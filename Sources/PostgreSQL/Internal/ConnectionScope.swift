/// A span in which a ``PostgresConnection`` may be used: the connection's own life, a lease from the pool, or the body of a
/// transaction. Statements of one scope run one after another; an inner scope has the connection to itself.
final class ConnectionScope: Sendable {
    let gate = AsyncGate()
    /// Transactions around this scope: 0 outside, 1 in a transaction, more in savepoints.
    let depth: Int

    init(depth: Int) { self.depth = depth }
}
