import Logging
import Metrics
import NIOCore
import Synchronization

/// Connections that ended because of what their peers did: each counts in a metric, and one of a kind is logged a minute,
/// so that a probe of the port that speaks another protocol does not fill the log.
final class TurnedAway: Sendable {
    /// Why a connection is of no use.
    enum Reason: String, CaseIterable {
        case unparseable, unauthenticated
        case tooMany = "too_many"

        var message: String {
            switch self {
            case .unparseable: "connection closed: unparseable"
            case .unauthenticated: "connection closed: not authenticated"
            case .tooMany: "connection refused: too many"
            }
        }

        var level: Logger.Level { self == .unauthenticated ? .notice : .warning }
    }

    private let counters: [Reason: Counter]
    private let throttles = Mutex<[Reason: LogThrottle]>([:])

    init() {
        let label = "eclm_rpc_server_connections_turned_away_total"
        counters = Dictionary(
            uniqueKeysWithValues: Reason.allCases.map {
                ($0, Counter(label: label, dimensions: [("reason", $0.rawValue)]))
            })
    }

    /// Counts one more, and logs it unless one of its kind was logged within the minute.
    func note(_ reason: Reason, detail: String? = nil, in logger: Logger, now: NIODeadline = .now()) {
        counters[reason]?.increment()
        let heldBack = throttles.withLock { $0[reason, default: LogThrottle()].admit(now: now) }
        guard let heldBack else {
            logger.debug("\(reason.message)", metadata: detail.map { ["reason": "\($0)"] })
            return
        }
        var metadata: Logger.Metadata = [:]
        if let detail { metadata["reason"] = "\(detail)" }
        if heldBack > 0 { metadata["more_since_the_last_line"] = "\(heldBack)" }
        logger.log(level: reason.level, "\(reason.message)", metadata: metadata)
    }
}
