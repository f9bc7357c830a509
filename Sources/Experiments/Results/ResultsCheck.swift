/// Checks of results before they are written and after they are read.
struct ResultsCheck {
    /// Where in the results it is, for messages.
    var place: String

    /// No list in a file of results is longer.
    static let countLimit = 100_000

    func fail(_ problem: String) -> ExperimentError {
        ExperimentError(.invalidResults, "\(place): \(problem)")
    }

    func within(_ part: String) -> ResultsCheck { ResultsCheck(place: "\(place), \(part)") }

    func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws {
        guard holds else { throw fail(problem()) }
    }

    /// A name that may begin a file's name.
    func name(_ name: String) throws {
        let isAllowed = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-")
        }
        try require(
            !name.isEmpty && name.utf8.count <= 64 && name.utf8.allSatisfy(isAllowed) && !name.hasPrefix("-"),
            "the name \"\(name)\" must be 1 to 64 lower-case letters, digits and hyphens")
    }

    func text(_ text: String, _ what: String) throws {
        try require(!text.isEmpty && text.utf8.count <= 10_000, "\(what) must have 1 to 10,000 bytes")
    }

    func unique<Value: Hashable>(_ values: [Value], _ what: String) throws {
        try count(values.count, what)
        var seen: Set<Value> = []
        for value in values where !seen.insert(value).inserted {
            throw fail("\(what) \(value) is there twice")
        }
    }

    func count(_ count: Int, _ what: String) throws {
        try require(count <= Self.countLimit, "more than \(Self.countLimit) entries of \(what)")
    }

    func shares(_ values: [Double], _ what: String) throws {
        try count(values.count, what)
        for value in values where !(value >= 0 && value <= 1) {
            throw fail("\(what) must be in 0...1, not \(value)")
        }
    }

    func amounts(_ values: [Double?], _ what: String) throws {
        try count(values.count, what)
        for case let value? in values where !(value >= 0 && value.isFinite) {
            throw fail("\(what) must be a number of at least 0, not \(value)")
        }
    }

    func amounts(_ values: [Int], _ what: String) throws {
        try count(values.count, what)
        for value in values where value < 0 {
            throw fail("\(what) must be at least 0, not \(value)")
        }
    }

    func ascending<Value: Comparable>(_ values: [Value], strictly: Bool, _ what: String) throws {
        for (left, right) in zip(values, values.dropFirst()) where right < left || (strictly && right == left) {
            throw fail("\(what) must ascend, but \(right) follows \(left)")
        }
    }

    func matrix(_ matrix: [[Double]], rows: Int, columns: Int, _ what: String) throws {
        try require(
            matrix.count == rows && matrix.allSatisfy { $0.count == columns }, "\(what) must be \(rows) x \(columns)")
        try amounts(matrix.flatMap { $0 }, what)
    }
}
