public import CommandSupport
public import Foundation

extension Timestamp {
    /// The instant of a date, to the microsecond.
    public init(_ date: Date) {
        self.init(microseconds: Int64((date.timeIntervalSince1970 * 1_000_000).rounded()))
    }
}
