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

    private let label: String
    private let isShown: Bool
    private let state = Mutex(State())

    /// A bar for one transfer.
    ///
    /// - Parameters:
    ///   - label: What is transferred.
    ///   - isShown: Whether to draw at all.
    public init(label: String, isShown: Bool) {
        self.label = label.printable
        self.isShown = isShown
    }

    /// Raises the number of bytes to expect.
    public func expect(_ bytes: Int64) {
        state.withLock { $0.progress.total += bytes }
    }

    /// Counts bytes as transferred and draws, ten times a second at most.
    public func advance(_ bytes: Int64) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let line: String? = state.withLock { state in
            state.progress.done += bytes
            guard !state.isFinished else { return nil }
            let started = state.started ?? now
            state.started = started
            if let drawn = state.drawn, now - drawn < .milliseconds(100) { return nil }
            state.drawn = now
            return state.progress.line(label: label, elapsed: now - started, width: StandardStream.error.width ?? 80)
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
    func line(label: String, elapsed: Duration, width: Int) -> String {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let rate = seconds > 0.2 ? Double(done) / seconds : 0
        var parts = ["\(ByteSize(done))" + (total > 0 ? " of \(ByteSize(total))" : "")]
        if rate > 0 {
            parts.append("\(ByteSize(Int64(rate)))/s")
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
