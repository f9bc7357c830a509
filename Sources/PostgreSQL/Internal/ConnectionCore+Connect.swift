import CLibPQ
import Dispatch
import Glibc
import Logging
import Synchronization

extension ConnectionCore {
    /// A new connection, ready for statements.
    static func connect(
        _ configuration: PostgresConfiguration, urgency: Urgency = Urgency(), logger: Logger
    ) async throws -> ConnectionCore {
        var attempts = 8
        while true {
            do {
                return try await connectOnce(configuration, urgency, logger: logger)
            } catch let error as PostgresError where error.isOfDefaultLimits && attempts > 1 {
                attempts -= 1
                logger.debug(
                    "a limit of the login ended a session before it had others", metadata: ["error": "\(error)"])
            }
        }
    }

    private static func connectOnce(
        _ configuration: PostgresConfiguration, _ urgency: Urgency, logger: Logger
    ) async throws -> ConnectionCore {
        try configuration.validate()
        if Task.isCancelled { throw PostgresError.taskCancelled }
        let core = ConnectionCore(configuration: configuration, urgency: urgency, logger: logger)
        do {
            try await withTaskCancellationHandler {
                try await core.open()
            } onCancel: {
                core.executor.queue.async { core.assumeIsolated { $0.close() } }
            }
        } catch {
            await core.close()
            throw Task.isCancelled ? PostgresError.taskCancelled : error
        }
        return core
    }

    private func open() async throws {
        // With expand_dbname, dbname is the whole connection string. It overrides what stands before it, and what follows
        // it comes on top. A peer that vanished is noticed within about a minute, unless the string says otherwise.
        var parameters = [
            ("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
        ]
        if !configuration.connectionString.isEmpty { parameters.append(("dbname", configuration.connectionString)) }
        parameters.append(("fallback_application_name", configuration.applicationName))
        parameters.append(("client_encoding", "UTF8"))
        parameters += configuration.overrides
        handle = withCStrings(parameters.map(\.0)) { keywords in
            withCStrings(parameters.map(\.1)) { values in PQconnectStartParams(keywords, values, 1) }
        }
        guard let handle else { throw failure("libpq ran out of memory") }
        // With the SQLSTATE in the text, since a connection that fails has no result to ask.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        noticeSink = NoticeSink.install(on: handle, logger: logger)
        guard PQstatus(handle) != CONNECTION_BAD else { throw failure(libpqMessage(handle)) }

        try await poll(handle)

        guard PQsetnonblocking(handle, 1) == 0 else { throw failure(libpqMessage(handle)) }
        try watchSocket(handle)
        isOpen.store(true, ordering: .releasing)
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        try await openSession()
        isSettled = true
    }

    /// Drives `PQconnectPoll`. libpq may change the socket from one step to the next, so each step watches anew.
    private func poll(_ handle: OpaquePointer) async throws {
        let hosts = hostCount(handle)
        let started = ContinuousClock.now
        var stepStarted = started
        var host = hostIdentity(handle)
        var status = PGRES_POLLING_WRITING
        while true {
            switch status {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING, PGRES_POLLING_WRITING: break
            default: throw failure(libpqMessage(handle))
            }
            let now = ContinuousClock.now
            if hostIdentity(handle) != host {
                host = hostIdentity(handle)
                stepStarted = now
            }
            // Looked at once a second: it may become urgent.
            let patience = patience
            let deadline = started + patience * hosts
            let reading = status == PGRES_POLLING_READING
            try watchSocket(handle)
            let remaining = min(deadline, stepStarted + patience) - now
            let outcome =
                remaining > .zero
                ? try await wait(.socket(read: reading, write: !reading), timeout: min(remaining, .seconds(1)))
                : .timedOut
            watcher?.invalidate()
            watcher = nil
            if outcome == .timedOut {
                if remaining > .seconds(1) { continue }
                let message = "no answer from \(hostName(handle)) within \(patience)"
                // Shutting down a socket that is still connecting makes that attempt fail, and libpq try the next host.
                guard PQstatus(handle) == CONNECTION_STARTED, ContinuousClock.now < deadline else {
                    throw failure(message)
                }
                logger.debug("PostgreSQL: \(message)")
                _ = shutdown(PQsocket(handle), CInt(SHUT_RDWR))
                stepStarted = .now
            }
            status = PQconnectPoll(handle)
        }
    }

    private func watchSocket(_ handle: OpaquePointer) throws {
        watcher?.invalidate()
        let descriptor = PQsocket(handle)
        guard descriptor >= 0 else { throw failure(libpqMessage(handle)) }
        watcherNumber += 1
        let number = watcherNumber
        watcher = try SocketWatcher(descriptor: descriptor, queue: executor.queue) { [weak self] in
            self?.assumeIsolated { $0.socketEvent(number) }
        }
    }

    /// How many hosts libpq may try, from what it made of the string, the environment and the service file.
    private func hostCount(_ handle: OpaquePointer) -> Int {
        guard let options = PQconninfo(handle) else { return 1 }
        defer { PQconninfoFree(options) }
        var count = 1
        var option = options
        while let keyword = option.pointee.keyword {
            if ["host", "hostaddr"].contains(String(cString: keyword)), let value = option.pointee.val {
                count = max(count, String(cString: value).split(separator: ",", omittingEmptySubsequences: false).count)
            }
            option += 1
        }
        return min(count, 64)
    }

    private func hostIdentity(_ handle: OpaquePointer) -> String { hostName(handle) + ":" + text(PQport(handle)) }

    private func hostName(_ handle: OpaquePointer) -> String { text(PQhost(handle)) }

    private func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

    private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

    private func libpqMessage(_ handle: OpaquePointer) -> String {
        String(cString: PQerrorMessage(handle)).trimmedLine
    }

    private func failure(_ message: String) -> PostgresError { ConnectionFailure(message).error }
}

extension PostgresError {
    /// A time limit that the database or the login has set, and that counts until the session is given another.
    fileprivate var isOfDefaultLimits: Bool { sqlState == "57014" && code != .cancelled || sqlState == "57P05" }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    let pointers = copies.map { UnsafePointer($0) } + [nil]
    // The array is never empty: it ends in a null pointer.
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}
