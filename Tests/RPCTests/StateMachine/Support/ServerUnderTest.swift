import NIOCore

@testable import RPC

/// A server connection's machine with its surroundings as a test wants them: the clock, the transport, the server.
struct ServerUnderTest {
    /// What the machine says, in a form to compare with.
    enum Step: Equatable {
        case wait
        case authenticate([UInt8]?)
        case start(UInt64, id: Int64)
        case refuse(RPCStatus, id: Int64)
        case reject(RPCStatus, id: Int64)
        case send(String)
        case closeUnparseable(FramingError)
        case close(ServerConnectionStateMachine<String>.CloseReason)
        case wakeUp(Double)
    }

    /// What is kept for a request is its name: `request 0` and so on.
    var machine: ServerConnectionStateMachine<String>
    /// Seconds since the connection opened.
    var time = 0.0
    var isWritable = true
    var pendingBytes = 0
    var isDraining = false
    /// The requests admitted, in order.
    private(set) var admitted: [AdmittedRequest] = []
    private(set) var lastError: RPCError?

    init(principal: RPCPrincipal? = .anonymous, configure: (inout RPCServerConfiguration) -> Void = { _ in }) {
        var configuration = RPCServerConfiguration()
        configure(&configuration)
        machine = ServerConnectionStateMachine(
            limits: ServerConnectionLimits(configuration), principal: principal, now: .seconds(0))
    }

    var now: NIODeadline { .seconds(time) }
    var wantsBytes: Bool { machine.wantsBytes(isWritable: isWritable) }

    /// Bytes arrive; what there is to do about them, with every admitted request started.
    mutating func receive(_ bytes: [UInt8]) -> [Step] {
        machine.received(ByteBuffer(bytes: bytes))
        return goOn()
    }

    /// Everything there is to do now.
    mutating func goOn() -> [Step] {
        let now = now
        var steps: [Step] = []
        while true {
            let step = start(machine.nextRequest(isWritable: isWritable, isDraining: isDraining, now: now))
            guard step != .wait else { return steps }
            steps.append(step)
        }
    }

    mutating func verify(_ verdict: Result<RPCPrincipal, RPCError>) -> Step {
        start(machine.verified(verdict, isDraining: isDraining, now: now))
    }

    mutating func answer(_ number: UInt64) -> Step {
        let answer = Answer(frame: nil, status: .ok)
        return step(machine.answered(number, answer))
    }

    /// The bursts' look at the clock.
    mutating func nextDeadline() -> Double {
        machine.nextDeadline(isWritable: isWritable, pendingBytes: pendingBytes, now: now).seconds
    }

    /// The correlation ids of the requests that are overdue at a time.
    mutating func expireRequests(at seconds: Double) -> [Int64] {
        time = seconds
        return machine.expireRequests(now: now).map(\.correlationID).sorted()
    }

    /// The timer's look at the connection as a whole.
    mutating func check(at seconds: Double) -> Step {
        time = seconds
        return step(machine.checkDeadlines(isWritable: isWritable, pendingBytes: pendingBytes, now: now))
    }

    private mutating func start(_ action: ServerConnectionStateMachine<String>.Action) -> Step {
        if case .start(let request) = action {
            admitted.append(request)
            machine.started(request, "request \(request.number)")
        }
        return step(action)
    }

    private mutating func step(_ action: ServerConnectionStateMachine<String>.Action) -> Step {
        switch action {
        case .wait: return .wait
        case .authenticate(let data): return .authenticate(data)
        case .start(let request): return .start(request.number, id: request.correlationID)
        case .refuse(let error, let id):
            lastError = error
            return .refuse(error.status, id: id)
        case .reject(let error, let id):
            lastError = error
            return .reject(error.status, id: id)
        case .send(_, let name, _): return .send(name)
        case .closeUnparseable(let error): return .closeUnparseable(error)
        case .close(let reason): return .close(reason)
        case .wakeUp(let deadline): return .wakeUp(deadline.seconds)
        }
    }
}

extension NIODeadline {
    static let origin = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    /// A time in seconds since the start of a test.
    static func seconds(_ seconds: Double) -> NIODeadline {
        origin + .nanoseconds(Int64((seconds * 1e9).rounded()))
    }

    var seconds: Double { Double((self - Self.origin).nanoseconds) / 1e9 }
}

/// A nanosecond, in seconds: what separates just before a deadline from on it.
let instant = 1e-9
