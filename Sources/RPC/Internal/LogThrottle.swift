import NIOCore

/// Lets a message that any peer can provoke through once a period, and counts those that it holds back meanwhile.
struct LogThrottle {
    private var next: NIODeadline?
    private var heldBack = 0
    private let period: TimeAmount

    init(period: TimeAmount = .minutes(1)) {
        self.period = period
    }

    /// Whether to log now.
    /// - Returns: how many were held back since the last one; `nil` where this one is.
    mutating func admit(now: NIODeadline) -> Int? {
        if let next, now < next {
            heldBack += 1
            return nil
        }
        defer { heldBack = 0 }
        next = now + period
        return heldBack
    }
}
