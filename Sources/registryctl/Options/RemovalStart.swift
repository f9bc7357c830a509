import ArgumentParser
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
        let text = argument.contains("T") ? argument : argument + "T00:00:00Z"
        let plain = Date.ISO8601FormatStyle()
        guard
            let time = (try? plain.parse(text))
                ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
        else { return nil }
        start = .time(time)
    }
}
