import ECLMCore
import NIOCore
import Synchronization

/// A client's connections: a few for each endpoint, opened as they are needed and reopened with growing waits.
final class ConnectionPool: Sendable {
    private struct Slot {
        let connector: any ClientConnector
        var connection: ClientConnection?
        /// Attempts that failed since the last connection that served.
        var failures = 0
        var notBefore = NIODeadline.distantPast
        var lastError: RPCError?
    }

    private struct State {
        var slots: [Slot]
        var next: Int
        var isClosed = false
        /// Every connection not yet ended, retired ones included.
        var receivers: [ObjectIdentifier: @Sendable () -> Void] = [:]
    }

    let configuration: RPCClientConfiguration
    let counters = ClientCounters()
    private let state: Mutex<State>

    /// How many calls wait on an open connection before another one is opened beside it.
    private static let openingThreshold = 8

    init(connectors: [any ClientConnector], configuration: RPCClientConfiguration) {
        self.configuration = configuration
        let slots = connectors.flatMap { connector in
            (0..<max(1, configuration.connectionsPerEndpoint)).map { _ in Slot(connector: connector) }
        }
        // Clients begin at different endpoints, so that together they load all of them.
        state = Mutex(State(slots: slots, next: slots.isEmpty ? 0 : Int.random(in: 0..<slots.count)))
    }

    /// The connection that should carry the next call: the least loaded one, opened if need be.
    /// - Throws: ``RPCError`` with EFAILEDSOCKET where the pool is closed or every endpoint is waiting to be tried again.
    func connection() throws(RPCError) -> ClientConnection {
        try state.withLock { state throws(RPCError) in
            guard !state.isClosed else { throw RPCError(.connectionFailed, "the client was closed") }
            let now = NIODeadline.now()
            var best: (index: Int, score: Int)?
            for offset in 0..<state.slots.count {
                let index = (state.next + offset) % state.slots.count
                let slot = state.slots[index]
                let score: Int
                if let connection = slot.connection {
                    score = connection.load + (connection.isOpen ? 0 : Self.openingThreshold)
                } else if slot.notBefore <= now {
                    score = Self.openingThreshold
                } else {
                    continue
                }
                if score < best?.score ?? .max { best = (index, score) }
            }
            guard let best else {
                let reason = state.slots.compactMap(\.lastError?.message).first ?? "no endpoint is known"
                throw RPCError(.connectionFailed, reason)
            }
            state.next = (best.index + 1) % state.slots.count
            if let connection = state.slots[best.index].connection { return connection }
            return open(best.index, &state)
        }
    }

    /// Closes every connection; pending calls fail, and later ones too.
    func close() {
        let closers = state.withLock { state in
            state.isClosed = true
            defer { state.receivers = [:] }
            return Array(state.receivers.values)
        }
        for close in closers { close() }
    }

    private func open(_ index: Int, _ state: inout State) -> ClientConnection {
        let connector = state.slots[index].connector
        let eventLoop = connector.eventLoopGroup.next()
        let connection = ClientConnection(configuration: configuration, counters: counters, eventLoop: eventLoop)
        let id = ObjectIdentifier(connection)
        state.slots[index].connection = connection
        // Filled on the loop, where the receiver lives.
        let receiver = NIOLoopBoundBox.makeEmptyBox(valueType: ClientReceiver.self, eventLoop: eventLoop)
        state.receivers[id] = { eventLoop.execute { receiver.value?.close() } }
        eventLoop.execute { [weak self, configuration] in
            let logic = ClientReceiver(
                connection: connection, onRetire: { [weak self] in self?.retired(index, id) },
                onEnd: { [weak self] outcome in self?.ended(index, id, outcome) })
            receiver.value = logic
            logic.begin()
            connector.connect(logic, timeout: configuration.connectTimeout, on: eventLoop)
        }
        return connection
    }

    /// The server wants no more calls on this connection, nor for a while on its endpoint.
    private func retired(_ index: Int, _ id: ObjectIdentifier) {
        state.withLock { state in
            guard let connection = state.slots[index].connection, ObjectIdentifier(connection) == id else { return }
            state.slots[index].connection = nil
        }
    }

    private func ended(_ index: Int, _ id: ObjectIdentifier, _ outcome: ConnectionOutcome) {
        state.withLock { state in
            state.receivers.removeValue(forKey: id)
            if let connection = state.slots[index].connection, ObjectIdentifier(connection) == id {
                state.slots[index].connection = nil
            }
            switch outcome {
            case .served:
                state.slots[index].failures = 0
                state.slots[index].lastError = nil
            case .failed(let error):
                state.slots[index].failures += 1
                let wait = configuration.reconnectBackoff.pause(afterFailures: state.slots[index].failures)
                state.slots[index].notBefore = NIODeadline.now().advanced(by: wait)
                state.slots[index].lastError = error
            }
        }
    }
}
