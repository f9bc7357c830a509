/// The prepared statements of one connection, the least recently used dropped first.
struct StatementCache {
    private var entries: [Statement.Key: (name: String, used: UInt64)] = [:]
    private var clock: UInt64 = 0
    /// Names that are to be deallocated in the server.
    private(set) var dropped: [String] = []
    let capacity: Int
    /// In every name. A pooler that lends its sessions to several clients sees the names of all of them: those of two
    /// clients must never be the same, or one's statement would run with the other's parameters.
    private let prefix = "eclm_" + String(UInt64.random(in: .min ... .max), radix: 16)

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    mutating func name(for key: Statement.Key) -> String? {
        guard let name = entries[key]?.name else { return nil }
        clock += 1
        entries[key] = (name, clock)
        return name
    }

    /// A name that was not used before, on this connection or any other.
    mutating func nextName() -> String {
        clock += 1
        return "\(prefix)_\(clock)"
    }

    /// Drops the least recently used where one more would be too many.
    mutating func makeRoom() {
        if entries.count >= capacity, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
            remove(oldest.key)
        }
    }

    mutating func insert(_ name: String, for key: Statement.Key) {
        if entries[key] == nil { makeRoom() }
        clock += 1
        if let old = entries.updateValue((name, clock), forKey: key) { dropped.append(old.name) }
    }

    mutating func remove(_ key: Statement.Key) {
        if let entry = entries.removeValue(forKey: key) { dropped.append(entry.name) }
    }

    mutating func takeDropped() -> [String] {
        defer { dropped = [] }
        return dropped
    }
}
