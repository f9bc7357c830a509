import CLibPQ
import Dispatch
import Logging
import Synchronization

/// A server that says nothing: it may work, or be gone without a word.
///
/// TCP notices a host that vanished, but not a process that stands still, nor a proxy that holds on to a connection
/// which leads nowhere any more. So who has heard nothing for a while asks over another connection.
extension ConnectionCore {
    /// How long the other connection may take.
    private static let probeLimit = Duration.seconds(5)
    /// An answer that was on its way when the other connection was asked.
    private static let onItsWay = Duration.seconds(2)

    /// How long the server may be silent.
    var patience: Duration {
        urgency.limit(isSettled ? configuration.silenceTimeout : configuration.connectTimeout)
    }

    /// Waits until `mode` holds, however long the server works, but not for one that is gone.
    func answer(_ mode: WaitMode) async throws {
        while try await wait(mode) == .silent {
            guard isSettled else {
                let error = PostgresError(
                    code: .connectionFailed,
                    message: "a connection was made, but no answer came within \(patience)")
                markLost(error)
                throw error
            }
            try await askOverAnother(mode)
        }
    }

    /// Finds out whether the server still works on this connection's statement; if not, the connection is lost.
    private func askOverAnother(_ mode: WaitMode) async throws {
        guard let handle, let operation else { return }
        let silence = ContinuousClock.now - max(movedAt, operation.started)
        // Through a pooler, only the server's own limit tells what is too long.
        if isPooled.load(ordering: .acquiring), let limit = configuration.statementTimeout,
            silence > limit * operation.statements + configuration.silenceTimeout
        {
            throw lose("there was no answer for \(silence.rounded), longer than a statement may take")
        }
        let pid = isPooled.load(ordering: .acquiring) ? nil : PQbackendPID(handle)
        let probe = probeConfiguration(handle)
        logger.debug("the server is silent; asking over another connection", metadata: ["silence": "\(silence)"])
        switch await ServerProbe.ask(probe, about: pid, within: Self.probeLimit, logger: logger) {
        case .works: return
        case .isIdle:
            // Done just now, perhaps, and the answer is on its way.
            if try await wait(mode, timeout: Self.onItsWay) == .ready { return }
            guard ContinuousClock.now - heardAt >= Self.onItsWay else { return }
            throw lose("there was no answer for \(silence.rounded), and the server has nothing left to do for it")
        case .isGone(let reason):
            throw lose("there was no answer for \(silence.rounded), and another connection found: \(reason)")
        }
    }

    private func lose(_ message: String) -> PostgresError {
        let error = PostgresError(code: .connectionLost, message: message)
        markLost(error)
        return error
    }

    /// The same server, whichever others the string names.
    private func probeConfiguration(_ handle: OpaquePointer) -> PostgresConfiguration {
        var probe = configuration
        probe.connectTimeout = min(configuration.connectTimeout, Self.probeLimit)
        probe.cancellationTimeout = .milliseconds(500)
        probe.silenceTimeout = Self.probeLimit * 2
        probe.statementCacheSize = 0
        probe.overrides =
            [
                ("host", PQhost(handle)), ("hostaddr", PQhostaddr(handle)), ("port", PQport(handle)),
            ].map { ($0, $1.map { String(cString: $0) } ?? "") } + [("target_session_attrs", "any")]
        return probe
    }

    // MARK: The clock

    /// Looks once a second at most whether the server has been silent for too long: one timer for a connection, however
    /// many statements it runs.
    func scheduleTick() {
        guard !isTicking else { return }
        isTicking = true
        let interval = min(Duration.seconds(1), patience / 2)
        executor.queue.asyncAfter(deadline: .now() + .milliseconds(Int(clamping: max(1, interval.milliseconds)))) {
            [weak self] in
            self?.assumeIsolated { $0.tick() }
        }
    }

    private func tick() {
        isTicking = false
        guard isWaitingForAnswer else { return }
        if ContinuousClock.now - heardAt >= patience {
            resumeWaiter(.silent)
        } else {
            scheduleTick()
        }
    }
}

/// Asks a server about one of its sessions.
enum ServerProbe {
    enum Finding: Sendable {
        /// It works on the statement, or nobody can tell that it does not.
        case works
        /// It waits for the client.
        case isIdle
        case isGone(String)
    }

    static func ask(
        _ configuration: PostgresConfiguration, about pid: Int32?, within limit: Duration, logger: Logger
    ) async -> Finding {
        // Not a child of the caller: a cancelled caller must still learn whether its connection stands.
        let question = Task { try await ask(configuration, about: pid, logger: logger) }
        let timer = Task {
            try await Task.sleep(for: limit)
            question.cancel()
        }
        defer { timer.cancel() }
        do {
            return try await question.value
        } catch let error as PostgresError where error.sqlState != nil {
            // It may have no room for another connection, but it answers.
            return .works
        } catch let error as PostgresError where error.code == .cancelled {
            return .isGone("no answer within \(limit)")
        } catch let error as PostgresError {
            return .isGone(error.message)
        } catch {
            return .works
        }
    }

    private static func ask(
        _ configuration: PostgresConfiguration, about pid: Int32?, logger: Logger
    ) async throws -> Finding {
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        defer { Task { await connection.close() } }
        guard let pid, !connection.isPooled else { return .works }
        guard
            let row = try await connection.query(
                """
                SELECT coalesce(state LIKE 'idle%' OR wait_event_type = 'Client', false) AS idle
                FROM pg_catalog.pg_stat_activity WHERE pid = \(pid)
                """
            ).first
        else { return .isGone("its session has ended") }
        return try row.decode("idle", as: Bool.self) ? .isIdle : .works
    }
}

extension Duration {
    /// For messages: whole seconds where there is one.
    fileprivate var rounded: Duration {
        self < .seconds(1) ? .milliseconds(Int(clamping: milliseconds)) : .seconds(components.seconds)
    }
}
