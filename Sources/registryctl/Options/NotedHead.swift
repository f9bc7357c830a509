import CommandSupport
import ECLMCore

/// The head of the audit chain as somebody noted it: `SEQUENCE:SHA256`.
struct NotedHead {
    var sequence: Int64
    var hash: Digest

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let sequence = Int64(parts[0]), sequence >= 1, let hash = try? Digest(String(parts[1]))
        else {
            throw CommandFailure(
                .refused, "\(text.debugDescription) is no head; audit verify prints one, SEQUENCE:SHA256")
        }
        self.sequence = sequence
        self.hash = hash
    }
}
