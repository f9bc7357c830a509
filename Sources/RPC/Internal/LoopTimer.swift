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

extension NIODeadline {
    /// This time plus a duration, at most the distant future.
    func advanced(by duration: Duration) -> NIODeadline {
        let (sum, overflow) = Int64(bitPattern: uptimeNanoseconds).addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .distantFuture : .uptimeNanoseconds(UInt64(max(0, sum)))
    }
}

extension Duration {
    /// The duration in nanoseconds, kept within `Int64`.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflows) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflows ? .max : sum
    }

    /// The duration in milliseconds, rounded up and kept within 1...`Int32.max`: a call's `timeout_ms`.
    var wholeMilliseconds: Int32 {
        let nanoseconds = wholeNanoseconds
        guard nanoseconds > 0 else { return 1 }
        return Int32(clamping: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1))
    }
}
