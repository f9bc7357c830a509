import Synchronization

/// Lets one caller in at a time, in order of arrival.
///
/// Every scope of a connection (the connection itself, a lease from the pool, a transaction's body, a savepoint's body) has
/// a gate, and the inner scope is used while the outer gate is held. Going through an outer gate from inside would wait
/// for ever; task-local tokens tell that case, and it is an error.
final class AsyncGate: Sendable {
    /// The tokens of the gates held around the current task.
    @TaskLocal static var heldTokens: [UInt64] = []

    private static let tokens = Atomic<UInt64>(1)
    private static let maximumWaiters = 4096

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var isHeld = false
        var token: UInt64?
        var waiters: [Waiter] = []
        var nextID: UInt64 = 0
        /// Why nobody may enter any more.
        var closedReason: String?
    }

    private let state = Mutex(State())

    /// Waits for the gate and holds it until ``release()``.
    /// - Throws: `.cancelled` when the task is cancelled while it waits, `.usage` when the gate is closed or held around
    ///   the caller.
    func acquire() async throws {
        let held = Self.heldTokens
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, PostgresError>? = state.withLock { state in
                    if let reason = state.closedReason {
                        return .failure(PostgresError(code: .usage, message: reason))
                    }
                    if let token = state.token, held.contains(token) {
                        return .failure(
                            PostgresError(
                                code: .usage,
                                message: "the connection is busy with the surrounding transaction or copy; "
                                    + "use the connection that was passed to its closure"))
                    }
                    if Task.isCancelled { return .failure(.taskCancelled) }
                    if !state.isHeld {
                        state.isHeld = true
                        return .success(())
                    }
                    guard state.waiters.count < Self.maximumWaiters else {
                        return .failure(
                            PostgresError(
                                code: .poolExhausted,
                                message:
                                    "\(Self.maximumWaiters) callers already wait for this one connection; use a pool"))
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome.mapError { $0 as any Error }) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(throwing: PostgresError.taskCancelled)
        }
    }

    /// Lets the next one in.
    func release() {
        let next = state.withLock { state -> Waiter? in
            state.token = nil
            if state.waiters.isEmpty {
                state.isHeld = false
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.continuation.resume()
    }

    /// Marks the holder as one whose body uses an inner scope, and returns the token for ``heldTokens``.
    func mark() -> UInt64 {
        let token = Self.tokens.wrappingAdd(1, ordering: .relaxed).newValue
        state.withLock { $0.token = token }
        return token
    }

    /// Turns away everybody who waits or comes later, and waits for the one inside. Cancellation does not shorten it.
    func close(_ reason: String) async {
        let (turnedAway, isHeld) = state.withLock { state in
            state.closedReason = reason
            defer { state.waiters = [] }
            return (state.waiters, state.isHeld)
        }
        for waiter in turnedAway {
            waiter.continuation.resume(throwing: PostgresError(code: .usage, message: reason))
        }
        guard isHeld else { return }
        // Nobody can come in between: the gate is closed, so only this caller is ever appended again.
        try? await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let isFree = state.withLock { state in
                if !state.isHeld { return true }
                state.waiters.append(Waiter(id: 0, continuation: continuation))
                return false
            }
            if isFree { continuation.resume() }
        }
    }
}

extension PostgresError {
    static let taskCancelled = PostgresError(code: .cancelled, message: "the task was cancelled")
}
