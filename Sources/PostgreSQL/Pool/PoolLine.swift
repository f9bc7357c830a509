import DequeModule
import Synchronization

/// Who has which connection, and who is next: a pool's bookkeeping, without any I/O but closing.
final class PoolLine: Sendable {
    /// What a caller leaves the line with.
    enum Grant {
        case connection(ConnectionCore)
        /// The right to open a connection.
        case slot
    }

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Grant, any Error>
    }

    private struct State {
        var idle: [ConnectionCore] = []
        /// Connections in use and those being opened.
        var busy = 0
        var opening = 0
        /// Before, nobody tries to open another connection, as long as there is one to wait for.
        var closedUntil: ContinuousClock.Instant?
        var waiters = Deque<Waiter>()
        var nextID: UInt64 = 0
        var isShutDown = false
        var drained: [CheckedContinuation<Void, Never>] = []

        /// The most recently used connection that still stands; the others are dropped and close themselves.
        mutating func takeIdle() -> ConnectionCore? {
            while let core = idle.popLast() {
                if core.isOpen.load(ordering: .acquiring) { return core }
            }
            return nil
        }

        /// Gives the right to open a connection, where there is room for one.
        mutating func takeSlot(of capacity: Int) -> Bool {
            guard busy < capacity else { return false }
            if let closedUntil, busy + idle.count > 0, closedUntil > .now { return false }
            busy += 1
            opening += 1
            return true
        }
    }

    /// How long nobody tries again when no further connection could be had.
    private static let closedPause = Duration.seconds(1)

    private let state = Mutex(State())
    private let capacity: Int
    private let maximumWaiters: Int
    private let timeout: Duration

    init(capacity: Int, maximumWaiters: Int, timeout: Duration) {
        self.capacity = max(1, capacity)
        self.maximumWaiters = maximumWaiters
        self.timeout = timeout
    }

    var statistics: PostgresPool.Statistics {
        state.withLock { state in
            state.idle.removeAll { !$0.isOpen.load(ordering: .acquiring) }
            return .init(idle: state.idle.count, busy: state.busy, waiting: state.waiters.count)
        }
    }

    /// Waits for a connection or for room for one. A connection is followed by one ``leave(with:)``, a place by one
    /// ``opened()`` or ``couldNotOpen()``.
    ///
    /// - Parameter failure: Why the caller, who is the first in line then, could not open a connection.
    func enter(until deadline: ContinuousClock.Instant, after failure: PostgresError?) async throws -> Grant {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        // Started only by those who have to wait.
        let timer = Mutex<Task<Void, Never>?>(nil)
        defer { timer.withLock { $0?.cancel() } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Grant, any Error>) in
                let outcome: Result<Grant, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(PostgresError.taskCancelled) }
                    if state.isShutDown { return .failure(Self.shutDown) }
                    // Whoever came earlier goes first.
                    if state.waiters.isEmpty || failure != nil {
                        if let core = state.takeIdle() {
                            state.busy += 1
                            return .success(.connection(core))
                        }
                        if state.takeSlot(of: capacity) { return .success(.slot) }
                    }
                    if failure != nil {
                        state.waiters.prepend(Waiter(id: id, continuation: continuation))
                        return nil
                    }
                    guard state.waiters.count < maximumWaiters else {
                        return .failure(
                            PostgresError(
                                code: .poolExhausted,
                                message: "all \(capacity) connections are in use and \(maximumWaiters) callers wait; "
                                    + "try again later or raise the limits"))
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let outcome {
                    continuation.resume(with: outcome)
                } else {
                    timer.withLock {
                        $0 = Task { [timeout, capacity] in
                            guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
                            let reason = failure.map { ", and no other could be opened: \($0.message)" } ?? ""
                            self.giveUp(
                                id,
                                PostgresError(
                                    code: .acquireTimedOut,
                                    message: "none of \(capacity) connections became free within \(timeout)\(reason)",
                                    cause: failure))
                        }
                    }
                    // There may be room that nobody has asked for since a connection could not be opened.
                    offerRoom()
                }
            }
        } onCancel: {
            giveUp(id, .taskCancelled)
        }
    }

    private func giveUp(_ id: UInt64, _ error: PostgresError) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(throwing: error)
    }

    /// Lets the first in line open a connection, where there is room for one.
    private func offerRoom() {
        let waiter = state.withLock { state -> Waiter? in
            guard !state.waiters.isEmpty, state.takeSlot(of: capacity) else { return nil }
            return state.waiters.popFirst()
        }
        waiter?.continuation.resume(returning: .slot)
    }

    /// The caller has opened its connection.
    func opened() {
        state.withLock { state in
            state.opening -= 1
            state.closedUntil = nil
        }
    }

    /// The caller could not open a connection, and gives its place back.
    ///
    /// - Returns: Whether there are others to wait for.
    func couldNotOpen() -> Bool {
        let hasOthers = state.withLock { state in
            state.opening -= 1
            guard state.busy - 1 + state.idle.count > 0 else { return false }
            state.busy -= 1
            state.closedUntil = .now + Self.closedPause
            return true
        }
        if !hasOthers { leave(with: nil) }
        return hasOthers
    }

    /// Gives a connection back, or with `nil` its place.
    func leave(with core: ConnectionCore?) {
        let core = core.flatMap { $0.isOpen.load(ordering: .acquiring) ? $0 : nil }
        enum Next {
            case grant(Waiter, Grant)
            case drained([CheckedContinuation<Void, Never>])
            case nothing
        }
        let next = state.withLock { state -> Next in
            if let waiter = state.waiters.popFirst() {
                if core == nil { state.opening += 1 }
                return .grant(waiter, core.map(Grant.connection) ?? .slot)
            }
            state.busy -= 1
            if let core { state.idle.append(core) }
            guard state.isShutDown, state.busy == 0 else { return .nothing }
            defer { state.drained = [] }
            return .drained(state.drained)
        }
        switch next {
        case .grant(let waiter, let grant):
            waiter.continuation.resume(returning: grant)
            offerRoom()
        case .drained(let continuations): for continuation in continuations { continuation.resume() }
        case .nothing: break
        }
    }

    /// Forgets the idle connections, which closes them.
    func dropIdle() {
        // Released outside the lock: a connection's end is not the lock's business.
        let dropped = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        _ = dropped
    }

    /// Turns everybody away, waits for the connections in use, and returns all that are idle then.
    func shutdown() async -> [ConnectionCore] {
        let waiters = state.withLock { state in
            state.isShutDown = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(throwing: Self.shutDown) }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDrained = state.withLock { state in
                    if state.busy == 0 || Task.isCancelled { return true }
                    state.drained.append(continuation)
                    return false
                }
                if isDrained { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.drained = [] }
                return state.drained
            }
            for continuation in waiting { continuation.resume() }
        }
        return state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
    }

    private static let shutDown = PostgresError(code: .usage, message: "the pool is shut down")
}
