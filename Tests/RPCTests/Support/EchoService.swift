import NIOCore
import RPC
import Synchronization

/// A service whose methods show what the transport does.
struct EchoService: RPCService {
    let name = "eclm.Echo"
    let gate = Gate()
    let cancellations = Count()
    let started = Count()

    /// Answers after so many milliseconds as the payload says.
    private var sleep: RPCMethod.Handler {
        { [cancellations, started] request, _ in
            started.add()
            do {
                try await Task.sleep(for: .milliseconds(Int(String(buffer: request.payload)) ?? 0))
            } catch {
                cancellations.add()
                throw error
            }
            return RPCResponse(payload: request.payload)
        }
    }

    var methods: [RPCMethod] {
        [
            RPCMethod(name: "Say") { request, _ in
                RPCResponse(payload: request.payload, attachment: request.attachment)
            },
            RPCMethod(name: "SayInline", placement: .inline) { request, _ in
                RPCResponse(payload: request.payload, attachment: request.attachment)
            },
            RPCMethod(name: "Sleep", handler: sleep),
            RPCMethod(name: "Nap", defaultDeadline: .milliseconds(40), handler: sleep),
            RPCMethod(name: "Wait") { [gate, started] request, _ in
                started.add()
                await gate.wait()
                return RPCResponse(payload: request.payload)
            },
            RPCMethod(name: "Describe") { _, context in
                let roles = context.principal.roles.sorted().joined(separator: ",")
                let hasTime = context.remaining > .zero
                let text = "\(context.principal.name)|\(roles)|\(context.service)|\(context.method)|\(hasTime)"
                return RPCResponse(payload: ByteBuffer(string: text))
            },
            RPCMethod(name: "Refuse") { request, _ in
                throw RPCError(RPCStatus(code: Int32(String(buffer: request.payload)) ?? 0), "refused as asked")
            },
            RPCMethod(name: "Break") { _, _ in throw SecretFailure() },
            RPCMethod(name: "Complain") { request, _ in
                throw RPCError(.notFound, String(buffer: request.payload))
            },
            RPCMethod(name: "Inflate") { request, _ in
                let size = Int(String(buffer: request.payload)) ?? 0
                return RPCResponse(payload: .init(), attachment: ByteBuffer(repeating: 7, count: size))
            },
        ]
    }

    struct SecretFailure: Error, CustomStringConvertible {
        var description: String { "password=hunter2" }
    }
}

/// Holds tasks until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// A counter that tests can wait on.
final class Count: Sendable {
    private let number = Atomic<Int>(0)

    var value: Int { number.load(ordering: .sequentiallyConsistent) }

    @discardableResult
    func add() -> Int { number.add(1, ordering: .sequentiallyConsistent).newValue }
}

/// Waits until `condition` holds, or says that it did not within five seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<1000 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}
