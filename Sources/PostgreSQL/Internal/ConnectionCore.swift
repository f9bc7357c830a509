import CLibPQ
import Dispatch
import Logging
import Synchronization

/// The only place that touches a `PGconn`.
///
/// All state is isolated to the connection's own queue, on which the socket's events arrive as well. At most one operation
/// runs at a time; the gates of ``ConnectionScope`` see to that. While none runs, the socket is still watched, so that
/// notifications and the loss of the connection are noticed at once.
actor ConnectionCore {
    nonisolated let executor = QueueExecutor(label: "eclm.postgresql.connection")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// What the caller that waits for the socket waits for.
    enum WaitMode {
        /// The socket itself, while connecting: (read, write).
        case socket(read: Bool, write: Bool)
        /// `PQgetResult` would not block.
        case result
        /// Everything was handed to the kernel.
        case flushed
        /// There was something to read: COPY data.
        case input
    }

    enum WaitOutcome { case ready, timedOut, silent }

    /// The statement, batch or step of a COPY that is being worked on.
    struct Operation {
        let id: UInt64
        let started = ContinuousClock.now
        /// How many statements the server was given at once.
        var statements = 1
        var cancelRequested = false
        /// PQcancel is running on another thread.
        var cancelInFlight = false
    }

    let configuration: PostgresConfiguration
    nonisolated let logger: Logger
    /// Whether the connection can be used, readable from anywhere.
    nonisolated let isOpen = Atomic<Bool>(false)
    /// Whether a pooler stands between this connection and the session.
    nonisolated let isPooled = Atomic<Bool>(false)
    /// Whether the session is lent for single transactions.
    nonisolated let isLent = Atomic<Bool>(false)
    let urgency: Urgency
    /// Whether the session was given its settings; before, the server has no more time than for a connection.
    var isSettled = false
    /// When something last came or went.
    private(set) var movedAt = ContinuousClock.now
    /// The same, or when the present wait began.
    private(set) var heardAt = ContinuousClock.now
    var isTicking = false
    /// The statement that gives a transaction its settings, where the session is lent.
    var lentSettings: String?

    var handle: OpaquePointer?
    /// Why there is no connection (any more).
    var lost: PostgresError?
    var watcher: SocketWatcher?
    var watcherNumber: UInt64 = 0
    var noticeSink: Unmanaged<NoticeSink>?

    private var waiter: CheckedContinuation<WaitOutcome, Never>?
    private var waitMode = WaitMode.result
    private var waitGeneration: UInt64 = 0
    /// The socket failed while waiting; libpq's next result tells how.
    private(set) var isBroken = false
    var needsFlush = false

    var operation: Operation?
    private var nextOperationID: UInt64 = 0
    private var cancelWaiter: CheckedContinuation<Void, Never>?
    /// Set while a COPY spans several operations.
    var copyInProgress = false

    var statements: StatementCache
    var notificationStreams: [UInt64: NotificationStream] = [:]
    var nextStreamID: UInt64 = 0
    var hasListened = false

    init(configuration: PostgresConfiguration, urgency: Urgency, logger: Logger) {
        self.configuration = configuration
        self.urgency = urgency
        self.logger = logger
        statements = StatementCache(capacity: configuration.statementCacheSize)
    }

    isolated deinit { tearDown() }

    /// The connection, or why there is none.
    func live() throws -> OpaquePointer {
        guard let handle else {
            throw lost ?? PostgresError(code: .connectionLost, message: "the connection is closed")
        }
        return handle
    }

    // MARK: Operations

    /// Runs one operation; `body` leaves the connection ready for the next, or it counts as lost.
    ///
    /// Cancelling the task cancels the statement in the server, unless `shielded`: a rollback must run all the same.
    func run<T: Sendable>(shielded: Bool = false, _ body: () async throws -> T) async throws -> T {
        _ = try live()
        if !shielded && Task.isCancelled { throw PostgresError.taskCancelled }
        precondition(operation == nil, "two operations on one connection: a gate was passed by")
        nextOperationID += 1
        let id = nextOperationID
        operation = Operation(id: id)
        do {
            let value: T
            if shielded {
                value = try await body()
            } else {
                value = try await withTaskCancellationHandler(operation: body) {
                    executor.queue.async { self.assumeIsolated { $0.cancelOperation(id) } }
                }
            }
            await finishOperation()
            return value
        } catch {
            await finishOperation()
            throw error
        }
    }

    private func finishOperation() async {
        if operation?.cancelInFlight == true {
            // The cancel request must reach the server before the next statement does, or it might hit that one.
            await withCheckedContinuation { cancelWaiter = $0 }
        }
        operation = nil
        guard let handle else { return }
        if PQstatus(handle) == CONNECTION_BAD {
            markLost(connectionError(handle))
        } else if !copyInProgress && (PQtransactionStatus(handle) == PQTRANS_ACTIVE || needsFlush) {
            markLost(
                PostgresError(code: .connectionLost, message: "the connection was left in the middle of a command"))
        } else if !copyInProgress {
            deliverNotifications()
            watcher?.arm(read: true, write: false)
        }
    }

    /// Cancels what is running; its operation ends with an error, or just ends.
    func cancelCurrentOperation() { if let operation { cancelOperation(operation.id) } }

    private func cancelOperation(_ id: UInt64) {
        guard let handle, operation?.id == id, operation?.cancelRequested == false else { return }
        operation?.cancelRequested = true
        guard let cancel = CancelRequest(handle) else { return }
        operation?.cancelInFlight = true
        DispatchQueue.global().async {
            cancel.send()
            self.executor.queue.async { self.assumeIsolated { $0.cancelSent(id) } }
        }
        let grace = urgency.limit(configuration.cancellationTimeout)
        executor.queue.asyncAfter(deadline: .now() + .milliseconds(Int(clamping: grace.milliseconds))) { [weak self] in
            self?.assumeIsolated {
                guard $0.operation?.id == id else { return }
                $0.markLost(
                    PostgresError(
                        code: .connectionLost,
                        message: "the server did not confirm within \(grace) that it cancelled the statement"))
            }
        }
    }

    private func cancelSent(_ id: UInt64) {
        guard operation?.id == id else { return }
        operation?.cancelInFlight = false
        cancelWaiter?.resume()
        cancelWaiter = nil
    }

    // MARK: Waiting for the socket

    /// Waits until `mode` holds, the socket fails, the connection is closed, or `timeout` has passed; without one, until the
    /// server has been silent for too long.
    func wait(_ mode: WaitMode, timeout: Duration? = nil) async throws -> WaitOutcome {
        _ = try live()
        waitMode = mode
        if case .socket = mode {} else if isReady(readable: false) { return .ready }
        waitGeneration += 1
        let generation = waitGeneration
        heardAt = .now
        if timeout == nil { scheduleTick() }
        if let timeout {
            let delay = DispatchTimeInterval.milliseconds(Int(clamping: timeout.milliseconds))
            executor.queue.asyncAfter(deadline: .now() + delay) { [weak self] in
                self?.assumeIsolated { if $0.waitGeneration == generation { $0.resumeWaiter(.timedOut) } }
            }
        }
        let outcome = await withCheckedContinuation { continuation in
            waiter = continuation
            armForWaiting()
        }
        waitGeneration += 1
        _ = try live()
        return outcome
    }

    private func armForWaiting() {
        if case .socket(let read, let write) = waitMode {
            watcher?.arm(read: read, write: write)
        } else {
            watcher?.arm(read: true, write: needsFlush)
        }
    }

    /// Whether somebody waits for the server, and not for a connection to be made.
    var isWaitingForAnswer: Bool {
        if case .socket = waitMode { return false }
        return waiter != nil
    }

    func resumeWaiter(_ outcome: WaitOutcome) {
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume(returning: outcome)
    }

    /// The socket can be read or written, or is broken, as the watcher with the given number says.
    func socketEvent(_ number: UInt64) {
        // An event of a watcher that has been replaced says nothing about the present socket.
        guard let watcher, handle != nil, watcherNumber == number else { return }
        watcher.eventArrived()
        movedAt = .now
        heardAt = movedAt
        if waiter == nil {
            // Connecting, or an operation, that is not waiting will look for itself; a COPY that is not must not read
            // ahead.
            if isOpen.load(ordering: .relaxed) && operation == nil && !copyInProgress { idleInput() }
            return
        }
        if case .socket = waitMode {
            resumeWaiter(.ready)
        } else if isReady(readable: true) {
            resumeWaiter(.ready)
        } else {
            armForWaiting()
        }
    }

    /// Takes in what there is, sends what can be sent, and tells whether `waitMode` holds.
    private func isReady(readable: Bool) -> Bool {
        guard let handle else { return true }
        if readable {
            guard consumeInput(handle) else {
                isBroken = true
                return true
            }
            deliverNotifications()
        }
        if needsFlush {
            switch PQflush(handle) {
            case 0: needsFlush = false
            case 1: break
            default:
                isBroken = true
                needsFlush = false
                return true
            }
        }
        switch waitMode {
        case .socket: return true
        case .result: return PQisBusy(handle) == 0
        case .flushed: return !needsFlush
        case .input: return readable
        }
    }

    private func consumeInput(_ handle: OpaquePointer) -> Bool {
        repeat {
            guard PQconsumeInput(handle) == 1 else { return false }
        } while !TLSBuffer.isEmpty(handle)
        return true
    }

    /// Input while nothing was asked: notifications, parameter changes, or the end.
    private func idleInput() {
        guard let handle else { return }
        if consumeInput(handle) {
            deliverNotifications()
            watcher?.arm(read: true, write: false)
        } else {
            markLost(connectionError(handle))
        }
    }

    // MARK: The end

    /// What libpq says about a connection that broke.
    func connectionError(_ handle: OpaquePointer) -> PostgresError {
        let message = String(cString: PQerrorMessage(handle)).trimmedLine
        return PostgresError(
            code: .connectionLost, message: message.isEmpty ? "the server closed the connection" : message)
    }

    /// The connection is gone; whoever waits, now or later, is told why.
    func markLost(_ error: PostgresError) {
        guard handle != nil else { return }
        logger.debug("PostgreSQL connection lost", metadata: ["reason": "\(error.message)"])
        lost = error
        tearDown()
    }

    /// Ends the connection; an operation in flight fails.
    func close() {
        guard handle != nil else { return }
        lost = PostgresError(code: .connectionLost, message: "the connection was closed")
        tearDown()
    }

    private func tearDown() {
        isOpen.store(false, ordering: .releasing)
        watcher?.invalidate()
        watcher = nil
        needsFlush = false
        copyInProgress = false
        if let handle { PQfinish(handle) }
        handle = nil
        noticeSink?.release()
        noticeSink = nil
        let streams = notificationStreams.values
        notificationStreams = [:]
        for stream in streams { stream.continuation.finish(throwing: lost) }
        // A cancel request still under way, perhaps to a host that is gone, can no longer hit the wrong statement.
        operation?.cancelInFlight = false
        cancelWaiter?.resume()
        cancelWaiter = nil
        resumeWaiter(.ready)
    }
}
