import NIOCore

/// One timer on an event loop that serves many deadlines: it fires at the earliest one asked for, and its owner then
/// looks at all of them and asks again. Cheaper than a scheduled task for each request. Confined to the loop.
final class LoopTimer {
    private let eventLoop: any EventLoop
    private var scheduled: Scheduled<Void>?
    private var firesAt: NIODeadline = .distantFuture
    private var fire: (() -> Void)?

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Sets what happens when the timer fires.
    func onFire(_ fire: @escaping () -> Void) {
        self.fire = fire
    }

    /// Makes the timer fire at `deadline` at the latest.
    func arm(atLatest deadline: NIODeadline) {
        guard fire != nil, deadline < firesAt else { return }
        scheduled?.cancel()
        firesAt = deadline
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        scheduled = eventLoop.scheduleTask(deadline: deadline) {
            let timer = bound.value
            timer.scheduled = nil
            timer.firesAt = .distantFuture
            timer.fire?()
        }
    }

    /// Stops the timer for good.
    func stop() {
        scheduled?.cancel()
        scheduled = nil
        fire = nil
    }
}
