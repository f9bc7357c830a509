import NIOCore

/// How long a peer may go on taking none of the bytes that wait for it.
struct StallClock {
    private struct Stall {
        /// What the peer had taken when the clock was set.
        var takenBytes: Int
        var deadline: NIODeadline
    }

    let timeout: Duration
    /// Bytes written to the peer since the connection opened.
    private(set) var writtenBytes = 0
    private var stall: Stall?

    init(timeout: Duration) {
        self.timeout = timeout
    }

    var isRunning: Bool { stall != nil }

    /// When the peer must have taken something; `nil` where nothing waits for it.
    var deadline: NIODeadline? { stall?.deadline }

    mutating func wrote(_ bytes: Int) {
        writtenBytes += bytes
    }

    /// Notes how many of the written bytes wait; the clock starts anew whenever the peer has taken some.
    mutating func observe(pendingBytes: Int, now: NIODeadline) {
        guard pendingBytes > 0 else {
            stall = nil
            return
        }
        let taken = writtenBytes - pendingBytes
        if stall?.takenBytes != taken { stall = Stall(takenBytes: taken, deadline: now.advanced(by: timeout)) }
    }

    /// Whether the peer has taken nothing in the time it had. Asks for the bytes that wait only where that matters.
    func isOverdue(pendingBytes: () -> Int, now: NIODeadline) -> Bool {
        guard let stall, stall.deadline <= now else { return false }
        return writtenBytes - pendingBytes() == stall.takenBytes
    }
}
