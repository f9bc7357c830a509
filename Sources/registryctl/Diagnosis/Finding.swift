/// What one check of `doctor` found.
struct Finding: Encodable, Sendable {
    enum State: String, Encodable, Sendable {
        case ok, warn, fail
        /// Not checked, because a check before it failed.
        case skipped
    }

    var check: String
    var state: State
    /// What was found.
    var detail: String
    /// What to do about it.
    var advice: String?

    static func ok(_ check: String, _ detail: String) -> Finding {
        Finding(check: check, state: .ok, detail: detail, advice: nil)
    }

    static func warn(_ check: String, _ detail: String, _ advice: String) -> Finding {
        Finding(check: check, state: .warn, detail: detail, advice: advice)
    }

    static func fail(_ check: String, _ detail: String, _ advice: String) -> Finding {
        Finding(check: check, state: .fail, detail: detail, advice: advice)
    }

    static func skipped(_ check: String, _ detail: String) -> Finding {
        Finding(check: check, state: .skipped, detail: detail, advice: nil)
    }
}
