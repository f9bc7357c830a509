import ECLMCore
import Synchronization

/// A line on standard error that tells how far a transfer is: bytes, rate and the time left.
///
/// Safe to advance from several tasks at once. It hides nothing and moves no cursor but to the line's start, so that a
/// command that is killed leaves the terminal as it was.
public final class ProgressBar: Sendable {
    private struct State {
        var progress = Progress()
        var started: ContinuousClock.Instant?
        var drawn: ContinuousClock.Instant?
        var isFinished = false
    }

    private let label: Mutex<String>
    private let isShown: Bool
    private let unit: Unit
    private let state = Mutex(State())

    /// What a bar counts.
    public enum Unit: Sendable, Hashable {
        /// Bytes, shown with binary prefixes.
        case bytes
        /// Things, under the name of many of them, such as `steps`.
        case count(String)
    }

    /// A bar for one transfer, or one long work.
    ///
    /// - Parameters:
    ///   - label: What is transferred or done.
    ///   - isShown: Whether to draw at all.
    ///   - unit: What is counted.
    public init(label: String, isShown: Bool, unit: Unit = .bytes) {
        self.label = Mutex(label.printable)
        self.isShown = isShown
        self.unit = unit
    }

    /// Says what is being done now.
    public func relabel(_ text: String) { label.withLock { $0 = text.printable } }

    /// Raises the number of bytes, or of other units, to expect.
    public func expect(_ bytes: Int64) {
        state.withLock { $0.progress.total += bytes }
    }

    /// Counts bytes, or other units, as done and draws, ten times a second at most.
    public func advance(_ bytes: Int64) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let label = label.withLock { $0 }
        let line: String? = state.withLock { state in
            state.progress.done += bytes
            guard !state.isFinished else { return nil }
            let started = state.started ?? now
            state.started = started
            if let drawn = state.drawn, now - drawn < .milliseconds(100) { return nil }
            state.drawn = now
            return state.progress.line(
                label: label, elapsed: now - started, width: StandardStream.error.width ?? 80, unit: unit)
        }
        if let line { StandardStream.error.write("\r\(line)\u{1B}[K") }
    }

    /// Clears the line; further progress is not drawn.
    public func finish() {
        let wasDrawn = state.withLock { state in
            state.isFinished = true
            return state.drawn != nil
        }
        if wasDrawn { StandardStream.error.write("\r\u{1B}[K") }
    }
}

/// How far a transfer is, and how that reads.
struct Progress: Sendable {
    var done: Int64 = 0
    var total: Int64 = 0

    /// The line for people, at most `width - 1` columns so that no terminal wraps it.
    func line(label: String, elapsed: Duration, width: Int, unit: ProgressBar.Unit = .bytes) -> String {
        let seconds = elapsed / .seconds(1)
        let rate = seconds > 0.2 ? Double(done) / seconds : 0
        var parts = [unit.amounts(done, of: total)]
        if rate > 0 {
            parts.append(unit.rate(rate))
            if total > done { parts.append("\(Self.brief(seconds: Double(total - done) / rate)) left") }
        }
        var line = "\(label)  "
        if total > 0 {
            let share = min(1, max(0, Double(done) / Double(total)))
            let cells = min(30, width - 50)
            if cells >= 10 {
                let filled = Int(share * Double(cells))
                line +=
                    "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: cells - filled) + "] "
            }
            line += "\(Int(share * 100))%".padded(to: 4, trailing: true) + "  "
        }
        return (line + parts.joined(separator: "  ")).truncated(to: max(1, width - 1))
    }

    private static func brief(seconds: Double) -> String {
        guard seconds < 360_000 else { return "days" }
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole / 60 % 60) min"
    }
}

extension ProgressBar.Unit {
    fileprivate func amounts(_ done: Int64, of total: Int64) -> String {
        switch self {
        case .bytes: "\(ByteSize(done))" + (total > 0 ? " of \(ByteSize(total))" : "")
        case .count(let name): "\(done)" + (total > 0 ? " of \(total)" : "") + " \(name)"
        }
    }

    fileprivate func rate(_ perSecond: Double) -> String {
        switch self {
        case .bytes: "\(ByteSize(Int64(perSecond)))/s"
        case .count: Quantity.decimal(perSecond, places: perSecond < 10 ? 1 : 0) + "/s"
        }
    }
}
