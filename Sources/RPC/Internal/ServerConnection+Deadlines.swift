import Logging
import NIOCore

/// Everything about a connection that ends by the clock: requests, slow frames, stalled peers, idleness.
extension ServerConnection {
    /// Notes what the connection as a whole now waits for; requests arm the timer themselves as they start.
    ///
    /// It runs for every burst, so it asks the transport only where a stall is possible.
    func watchDeadlines() {
        guard let transport else { return }
        let now = NIODeadline.now()
        watchPartialFrame(now)
        if stall != nil || !transport.isWritable { watchStall(now) }
        timer.arm(atLatest: nextConnectionDeadline(now))
    }

    /// Ends what is overdue. The timer calls it.
    func checkDeadlines() {
        let now = NIODeadline.now()
        answerOverdueRequests(now)
        flushIfNeeded()
        guard !endIfOverdue(now) else { return }
        watchStall(now)
        watchDeadlines()
        var next = NIODeadline.distantFuture
        for request in inFlight.values where !request.isAnswered { next = min(next, request.deadline) }
        if next < .distantFuture { timer.arm(atLatest: next) }
    }

    private func nextConnectionDeadline(_ now: NIODeadline) -> NIODeadline {
        // Where the connection is busy, idleness is looked at again one period on.
        let idle = lastActivity.advanced(by: core.configuration.idleTimeout)
        var next = idle > now ? idle : now.advanced(by: core.configuration.idleTimeout)
        if case .verifying(_, _, let deadline, _) = authentication { next = min(next, deadline) }
        if let partialFrame { next = min(next, partialFrame.deadline) }
        if let stall { next = min(next, stall.deadline) }
        return next
    }

    private var isIdle: Bool {
        inFlight.isEmpty && partialFrame == nil && (transport?.pendingBytes ?? 0) == 0
    }

    /// A frame that has begun must be complete in time; while this side declines to read, the clock stands still.
    private func watchPartialFrame(_ now: NIODeadline) {
        guard decoder.bufferedBytes > 0, wantsBytes else {
            partialFrame = nil
            return
        }
        let configuration = core.configuration
        let frame = decoder.framesDecoded
        let known = partialFrame?.frame == frame ? partialFrame : nil
        if let known, known.hasHeader { return }
        var granted = configuration.frameReadTimeout
        let announced = decoder.announcedFrameBytes
        if let announced { granted += .seconds(announced / configuration.minimumBytesPerSecond) }
        let began = known?.began ?? now
        partialFrame = PartialFrame(
            frame: frame, began: began, hasHeader: announced != nil, deadline: began.advanced(by: granted))
    }

    /// A peer with bytes waiting must take some of them in time.
    private func watchStall(_ now: NIODeadline) {
        let pending = transport?.pendingBytes ?? 0
        guard pending > 0 else {
            stall = nil
            return
        }
        let taken = writtenBytes - pending
        if stall?.takenBytes != taken {
            stall = (taken, now.advanced(by: core.configuration.writeStallTimeout))
        }
    }

    private func answerOverdueRequests(_ now: NIODeadline) {
        for (number, request) in inFlight where request.deadline <= now && !request.isAnswered {
            inFlight[number]?.isAnswered = true
            request.task.cancel()
            let error = RPCError(.timedOut, "the deadline passed before the server could answer")
            finish(request, core.encode(.failure(error), correlationID: request.correlationID))
        }
    }

    private func endIfOverdue(_ now: NIODeadline) -> Bool {
        if case .verifying(_, let meta, let deadline, let task) = authentication, deadline <= now {
            task.cancel()
            reject(meta, RPCError(.timedOut, "the deadline passed before the connection was authenticated"))
            return true
        }
        var reason: String?
        if let partialFrame, partialFrame.deadline <= now, partialFrame.frame == decoder.framesDecoded {
            reason = "a frame did not arrive in time"
        } else if let stall, stall.deadline <= now,
            writtenBytes - (transport?.pendingBytes ?? 0) == stall.takenBytes
        {
            reason = "the peer takes no answers"
        } else if isIdle, lastActivity.advanced(by: core.configuration.idleTimeout) <= now {
            reason = "idle"
        }
        guard let reason else { return false }
        logger.info("connection closed", metadata: ["reason": "\(reason)"])
        abort()
        return true
    }
}
