import Synchronization

/// Tells whoever waits on purpose that the server begins to shut down.
final class DrainSignal: Sendable {
    private enum State {
        case serving(waiting: [Int: CheckedContinuation<Void, Never>], next: Int)
        case draining
    }

    private let state = Mutex(State.serving(waiting: [:], next: 0))

    /// Ends every wait, and those that still come.
    func raise() {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard case .serving(let waiting, _) = state else { return [] }
            state = .draining
            return Array(waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns once the signal was raised.
    /// - Throws: `CancellationError` when the task is cancelled first.
    func wait() async throws {
        let id: Int? = state.withLock { state in
            guard case .serving(let waiting, let next) = state else { return nil }
            state = .serving(waiting: waiting, next: next + 1)
            return next
        }
        guard let id else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard case .serving(var waiting, let next) = state, !Task.isCancelled else { return true }
                    waiting[id] = continuation
                    state = .serving(waiting: waiting, next: next)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard case .serving(var waiting, let next) = state else { return nil }
                let continuation = waiting.removeValue(forKey: id)
                state = .serving(waiting: waiting, next: next)
                return continuation
            }
            continuation?.resume()
        }
        try Task.checkCancellation()
    }
}
