/// What libpq says of a connection that could not be made, for each host that it tried.
///
/// There is no result to ask for the SQLSTATE, but it stands in the text that libpq gives with PQERRORS_VERBOSE:
/// `connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  3D000: database "x" does not exist`, and the place
/// in the server's source on a line of its own.
struct ConnectionFailure {
    /// What PgBouncer says, all under 08P01, of what it will never allow.
    private static let poolerRefusals = ["no such database", "no such user", "not allowed to connect"]

    private var lines: [String] = []
    private var states: [String] = []
    private var attempts = 0
    private var refusals = 0

    init(_ message: String) {
        for line in message.split(separator: "\n") where !line.hasPrefix("LOCATION:") {
            if line.hasPrefix("connection to server") { attempts += 1 }
            guard let (before, state, after) = Self.parts(of: line) else {
                lines.append(String(line))
                continue
            }
            states.append(state)
            lines.append(before + after)
            if Self.isRefusal(state, after) { refusals += 1 }
        }
    }

    var error: PostgresError {
        let isRefused = refusals > 0 && refusals >= attempts
        let text = lines.joined(separator: "\n").trimmedLine
        var error = PostgresError(
            code: isRefused ? .connectionRefused : .connectionFailed,
            message: text.isEmpty ? "libpq gave no reason" : text)
        error.sqlState = states.last
        return error
    }

    /// Trying again will not help: the login, its password, the database or the right to connect to it.
    private static func isRefusal(_ state: String, _ message: Substring) -> Bool {
        if state.hasPrefix("28") || state == "3D000" || state == "42501" { return true }
        return state == "08P01" && poolerRefusals.contains { message.contains($0) }
    }

    /// The text before an SQLSTATE, the SQLSTATE and the text after it; two blanks stand before one.
    private static func parts(of line: Substring) -> (String, String, Substring)? {
        guard let match = line.firstMatch(of: #/^(.*?[^ ]:  )([0-9A-Z]{5}): (.*)$/#) else { return nil }
        return (String(match.1), String(match.2), match.3)
    }
}
