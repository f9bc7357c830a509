import NIOCore

@testable import RPC

/// A client connection's machine with its surroundings as a test wants them. Who waits for an answer is a name.
struct ClientUnderTest {
    typealias Machine = ClientConnectionStateMachine<String>

    /// What the machine says, in a form to compare with.
    enum Step: Equatable {
        case wait
        case write([Int64])
        case answer(String)
        case retire(String?)
        case close
        case retireAndClose
        case finish(Ending)
        case wakeUp(Double)
    }

    enum Ending: Equatable {
        case served
        case failed(RPCStatus, String)
    }

    /// How a call ends with its connection.
    struct Lost: Equatable {
        var waiter: String
        var status: RPCStatus
        var message: String
    }

    var machine: Machine
    /// Seconds since the connection was wanted.
    var time = 0.0
    /// Accepted requests on their way to the machine.
    private var outbox: [OutgoingRequest] = []

    init(
        maximumUnsentBytes: Int = 1 << 20, idleTimeout: Duration = .seconds(60), authenticates: Bool = false
    ) {
        machine = Machine(
            maximumUnsentBytes: maximumUnsentBytes, idleTimeout: idleTimeout, authenticates: authenticates,
            now: .seconds(0))
    }

    var now: NIODeadline { .seconds(time) }

    /// A call by `call <id>`, if the connection accepts it; its request carries `bytes` bytes.
    @discardableResult
    mutating func call(_ id: Int64, deadline: Double = 30, bytes: Int = 10) -> Machine.Admission {
        let admission = machine.admission
        guard admission == .accepted else { return admission }
        var request = OutgoingRequest(id: id, frame: .sample(bytes: bytes), deadline: .seconds(deadline))
        request.carriesAuthentication = machine.needsAuthentication
        machine.call(request, "call \(id)")
        outbox.append(request)
        return admission
    }

    /// The loop takes the requests that have gathered.
    mutating func take() -> Step {
        defer { outbox = [] }
        return step(machine.take(outbox, now: now))
    }

    mutating func open() -> Step { step(machine.opened(now: now)) }

    mutating func answer(_ id: Int64, _ status: RPCStatus = .ok) -> Step {
        switch machine.answered(id, failure: status.isOK ? nil : RPCError(status, "refused")) {
        case .ignore: .wait
        case .answer(let waiter): .answer(waiter)
        case .retire(let waiter): .retire(waiter)
        }
    }

    mutating func burstEnded() -> Step { step(machine.burstEnded(now: now)) }
    mutating func unparseable() -> Step { step(machine.unparseable(.notThisProtocol)) }
    mutating func close() -> Step { step(machine.close()) }
    mutating func closed() -> Step { step(machine.closed()) }

    mutating func failToOpen() -> Step {
        step(machine.failedToOpen(ChannelError.connectTimeout(.seconds(5)), to: "db:1"))
    }

    mutating func expireCalls(at seconds: Double) -> [String] {
        time = seconds
        return machine.expireCalls(now: now).sorted()
    }

    mutating func check(at seconds: Double) -> Step {
        time = seconds
        return step(machine.checkDeadlines(now: now))
    }

    /// How the pending calls end.
    mutating func end() -> [Lost] {
        machine.end().map { Lost(waiter: $0.waiter, status: $0.error.status, message: $0.error.message) }
            .sorted { $0.waiter < $1.waiter }
    }

    private func step(_ action: Machine.Action) -> Step {
        switch action {
        case .wait: .wait
        case .write(let requests): .write(requests.map(\.id))
        case .close: .close
        case .retireAndClose: .retireAndClose
        case .finish(.served): .finish(.served)
        case .finish(.failed(let error)): .finish(.failed(error.status, error.message))
        case .wakeUp(let deadline): .wakeUp(deadline.seconds)
        }
    }
}

extension EncodedFrame {
    /// A frame of so many bytes that means nothing: accounts are easier to read in round numbers.
    static func sample(bytes: Int) -> EncodedFrame {
        let encoded = EncodedFrame(
            meta: RPCMeta(), payload: ByteBuffer(), attachment: ByteBuffer(), maximumBodyBytes: .max)
        guard var frame = encoded else { preconditionFailure("an empty frame is never too large") }
        frame.head = ByteBuffer(repeating: 0, count: bytes)
        return frame
    }
}
