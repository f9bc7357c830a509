import Synchronization

/// Lets so many connections in at a time.
final class ConnectionGate: Sendable {
    /// There are as many as may be.
    struct Full: Error {}

    private let maximum: Int
    private let inside = Mutex(0)

    init(maximum: Int) { self.maximum = maximum }

    /// - Returns: Whether there was room; then ``leave()`` must follow.
    func enter() -> Bool {
        inside.withLock { inside in
            guard inside < maximum else { return false }
            inside += 1
            return true
        }
    }

    func leave() { inside.withLock { $0 -= 1 } }
}
