import Composition
import ECLMCore
import Foundation
import Logging
import Metrics
import PostgreSQL
import Registry
import Synchronization

/// One answered composition, for the record.
struct CompositionEntry: Sendable {
    var deviceID: String
    var releaseID: ReleaseID
    var budget: Budget
    var modules: [ModuleVersionID]
    var totals: ResourceAmounts
    var objective: Double
    var gap: Double
    var composedAt = Date()
}

/// Writes compositions to the database in batches, apart from the answers themselves.
///
/// The record is for audit and statistics: while the database is away it waits here, and beyond `capacity` the oldest
/// entries are dropped, counted and logged.
public final class CompositionRecorder: Sendable {
    /// Entries that wait at most.
    static let capacity = 65_536
    private static let batch = 2048
    private static let interval: Duration = .milliseconds(250)

    private struct State {
        var waiting: [CompositionEntry] = []
        var dropped = 0
    }

    private let pool: PostgresPool
    private let logger: Logger
    private let state = Mutex(State())
    private let droppedCounter = Counter(label: "eclm_registry_compositions_dropped_total")

    init(pool: PostgresPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    func record(_ entry: CompositionEntry) {
        state.withLock { state in
            if state.waiting.count >= Self.capacity {
                state.waiting.removeFirst(Self.batch)
                state.dropped += Self.batch
                droppedCounter.increment(by: Self.batch)
            }
            state.waiting.append(entry)
        }
    }

    /// Writes what waits, again and again until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            await flush()
        }
    }

    /// Writes everything that waits now; what fails waits on.
    public func flush() async {
        while true {
            let (entries, dropped) = state.withLock { state in
                let entries = Array(state.waiting.prefix(Self.batch))
                state.waiting.removeFirst(entries.count)
                defer { state.dropped = 0 }
                return (entries, state.dropped)
            }
            if dropped > 0 {
                logger.warning(
                    "compositions were not recorded: the database was away too long",
                    metadata: ["dropped": "\(dropped)"])
            }
            guard !entries.isEmpty else { return }
            do {
                try await write(entries)
            } catch {
                logger.warning("compositions wait to be recorded", metadata: ["error": "\(error)"])
                state.withLock { $0.waiting.insert(contentsOf: entries, at: 0) }
                return
            }
        }
    }

    private func write(_ entries: [CompositionEntry]) async throws {
        let encoder = JSONEncoder()
        let rows = try entries.map { entry in
            (entry, JSONText(String(decoding: try encoder.encode(entry.budget), as: UTF8.self)))
        }
        _ = try await pool.withConnection { connection in
            try await connection.copyIn(
                """
                COPY eclm.compositions (device_id, release_id, budget, module_version_ids, memory, flops, fetch_bytes,
                    objective, gap, composed_at) FROM STDIN (FORMAT binary)
                """
            ) { writer in
                for (entry, budget) in rows {
                    try await writer.row([
                        entry.deviceID, entry.releaseID.rawValue, budget, entry.modules.map(\.rawValue),
                        entry.totals.memory, entry.totals.flops, entry.totals.fetchBytes, entry.objective, entry.gap,
                        entry.composedAt,
                    ])
                }
            }
        }
    }
}
