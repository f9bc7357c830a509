import NIOCore

/// The requests of one connection that are being handled, and how many more may be.
///
/// `Work` is what the connection keeps for each of them; it is handed back and never looked at.
struct InFlightRequests<Work> {
    struct Request {
        var correlationID: Int64
        var startedAt: NIODeadline
        var deadline: NIODeadline
        /// The bytes of its frame.
        var bytes: Int
        var work: Work
        /// Set once the deadline has been answered; the handler still runs and still counts.
        var isAnswered = false
    }

    let maximumCount: Int
    let maximumBytes: Int
    /// By a number of our own: a peer may use one correlation id twice.
    private var requests: [UInt64: Request] = [:]
    private(set) var bytes = 0

    init(maximumCount: Int, maximumBytes: Int) {
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
    }

    var count: Int { requests.count }
    var isEmpty: Bool { requests.isEmpty }

    /// Whether one more may be started. While it may, it may be of any size.
    var hasRoom: Bool { requests.count < maximumCount && bytes < maximumBytes }

    /// The earliest deadline that nobody has answered for.
    var nextDeadline: NIODeadline? {
        var next: NIODeadline?
        for request in requests.values where !request.isAnswered {
            if let earlier = next, earlier <= request.deadline { continue }
            next = request.deadline
        }
        return next
    }

    mutating func add(_ number: UInt64, _ request: Request) {
        if let replaced = requests.updateValue(request, forKey: number) { bytes -= replaced.bytes }
        bytes += request.bytes
    }

    /// Ends the request of this number, if there is one.
    mutating func remove(_ number: UInt64) -> Request? {
        guard let request = requests.removeValue(forKey: number) else { return nil }
        bytes -= request.bytes
        return request
    }

    /// Marks what is overdue as answered.
    /// - Returns: what was not before.
    mutating func expire(now: NIODeadline) -> [Request] {
        var expired: [Request] = []
        for (number, request) in requests where request.deadline <= now && !request.isAnswered {
            requests[number]?.isAnswered = true
            expired.append(request)
        }
        return expired
    }

    /// Ends them all.
    mutating func removeAll() -> [Work] {
        let works = requests.values.map(\.work)
        requests = [:]
        bytes = 0
        return works
    }
}
