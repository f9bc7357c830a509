import ArgumentParser
import CommandSupport
import Foundation
import Trainer

/// From when on a device's updates are left out: a round's number, or a day or time in RFC 3339 (a day begins at 00:00 UTC).
struct RemovalStart: ExpressibleByArgument, Hashable, Sendable {
    var start: DeviceRemoval.Start

    init?(argument: String) {
        if let round = Int(argument) {
            guard round >= 1 else { return nil }
            start = .round(round)
            return
        }
        guard let time = Timestamp(rfc3339: argument) else { return nil }
        start = .time(Date(timeIntervalSince1970: Double(time.microseconds) / 1_000_000))
    }
}
