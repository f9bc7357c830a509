import NIOCore
import Synchronization

/// Hands items from any thread to one event loop, waking it once for however many have gathered.
///
/// This is what coalesces writes: everything pushed before the loop gets to run is written together and flushed once.
final class Outbox<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isScheduled = false
        var drain: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Sets what the loop runs when items have gathered; it should call ``takeAll()``.
    func onItems(_ drain: @escaping @Sendable () -> Void) {
        let hasItems = state.withLock { state in
            state.drain = drain
            if state.items.isEmpty || state.isScheduled { return false }
            state.isScheduled = true
            return true
        }
        if hasItems { eventLoop.execute(drain) }
    }

    /// Forgets what ``onItems(_:)`` set; items pushed from now on are kept and go nowhere.
    func detach() {
        state.withLock { $0.drain = nil }
    }

    func push(_ item: Item) {
        let drain: (@Sendable () -> Void)? = state.withLock { state in
            state.items.append(item)
            guard !state.isScheduled, let drain = state.drain else { return nil }
            state.isScheduled = true
            return drain
        }
        if let drain { eventLoop.execute(drain) }
    }

    /// All items pushed so far, in order. Call from what ``onItems(_:)`` set.
    func takeAll() -> [Item] {
        state.withLock { state in
            state.isScheduled = false
            defer { state.items = [] }
            return state.items
        }
    }
}
