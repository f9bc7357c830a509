public import Foundation

/// Which updates a rollback takes out of past rounds.
public struct DeviceRemoval: Sendable, Hashable {
    /// From when on a device's updates are left out.
    public enum Start: Sendable, Hashable {
        /// Updates that this round or a later one counted.
        case round(Int)
        /// Updates submitted at this time or later.
        case time(Date)
    }

    /// The device whose updates are left out.
    public var device: String
    /// From when on; `nil` for all of them.
    public var since: Start?

    public init(device: String, since: Start? = nil) {
        self.device = device
        self.since = since
    }

    /// The first round whose updates are left out, where a round was named.
    var sinceRound: Int32? {
        if case .round(let number) = since { Int32(clamping: number) } else { nil }
    }

    /// The time from which on updates are left out, where a time was named.
    var sinceTime: Date? {
        if case .time(let time) = since { time } else { nil }
    }

    /// Whether an update that a round counted is left out.
    func covers(_ update: RoundHistory.Update, in round: RoundHistory.Round) -> Bool {
        guard update.device == device else { return false }
        switch since {
        case nil: return true
        case .round(let first): return round.number >= first
        case .time(let first): return update.submittedAt >= first
        }
    }
}
