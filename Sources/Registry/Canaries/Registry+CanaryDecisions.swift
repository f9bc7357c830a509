import ECLMCore
import Foundation
import PostgreSQL

extension Registry {
    /// Blocks that one transaction counts at most, so that it stays short.
    private static let blocksAtOnce = 256

    /// Counts what devices have reported since the last time, and ends the canaries whose evidence suffices or whose
    /// deadline has passed.
    ///
    /// Any number of processes may do this at a time and at any moment: the model's lock makes them follow one another,
    /// each observation is counted once, in the transaction that keeps the statistics, and a canary is decided once. What
    /// it costs grows with the new reports alone.
    ///
    /// - Parameters:
    ///   - models: The models to look after; all where empty.
    ///   - actor: The service that decides.
    /// - Returns: The canaries that ended.
    /// - Throws: ``RegistryError``; the canaries before it stay decided.
    public func advanceCanaries(
        of models: Set<String> = [], as actor: String
    ) async throws(RegistryError) -> [CanaryRecord] {
        try await registryErrors {
            let due = try await pool.query(
                """
                SELECT c.canary_id FROM eclm.canaries c JOIN eclm.models mo USING (model_id)
                WHERE c.state = 'running' AND (\(models.isEmpty) OR mo.name = ANY (\(models.sorted())))
                    AND (c.deadline <= clock_timestamp() OR (
                        EXISTS (SELECT FROM eclm.canary_observations o WHERE o.canary_id = c.canary_id AND o.candidate
                            AND o.block IS NULL ORDER BY o.observation_id OFFSET c.candidate_block - 1)
                        AND EXISTS (SELECT FROM eclm.canary_observations o WHERE o.canary_id = c.canary_id
                            AND NOT o.candidate AND o.block IS NULL ORDER BY o.observation_id OFFSET c.control_block - 1)))
                ORDER BY c.canary_id
                """, retry: .idempotent
            ).map { try $0.decode("canary_id", as: Int64.self) }
            var ended: [CanaryRecord] = []
            for id in due {
                if let canary = try await advanceCanary(id, as: actor) { ended.append(canary) }
            }
            return ended
        }
    }

    /// - Returns: The canary when it ended here.
    @inline(never)
    private func advanceCanary(_ id: Int64, as actor: String) async throws -> CanaryRecord? {
        while true {
            let step = try await transaction(as: Provenance(actor: actor)) { connection in
                try await CanaryStep(canaryID: id, actor: actor, connection: connection).run()
            }
            switch step {
            case .countedSome: continue
            case .undecided: return nil
            case .ended(let canary): return canary
            }
        }
    }

    /// One transaction's part of a canary.
    private struct CanaryStep {
        enum Outcome: Sendable {
            case countedSome
            case undecided
            case ended(CanaryRecord)
        }

        let canaryID: Int64
        let actor: String
        let connection: PostgresConnection

        func run() async throws -> Outcome {
            // The model first, as whoever moves a channel does: two locks in one order make no deadlock.
            try await connection.query(
                """
                SELECT FROM eclm.models WHERE model_id = (SELECT model_id FROM eclm.canaries WHERE canary_id = \(canaryID))
                FOR NO KEY UPDATE
                """)
            let rows = try await connection.query(
                "\(CanaryRecord.select) WHERE c.canary_id = \(canaryID) AND c.state = 'running' FOR UPDATE OF c")
            guard let row = rows.first else { return .undecided }
            var canary = try CanaryRecord(row)
            let isMore = try await count(&canary)
            if let verdict = canary.test.verdict {
                return try await end(
                    canary, verdict == .promote ? .promoted : .rolledBack, because: Self.explanation(canary, verdict))
            }
            if isMore { return .countedSome }
            let late: Bool = try await connection.query(
                "SELECT deadline <= clock_timestamp() AS late FROM eclm.canaries WHERE canary_id = \(canaryID)"
            ).one().decode("late")
            guard late else { return .undecided }
            return try await end(
                canary, .expired,
                because: "the deadline came before a decision, after \(canary.test.blocks) blocks")
        }

        /// Counts whole blocks in the order of arrival, until the evidence suffices.
        ///
        /// - Returns: Whether there may be more.
        private func count(_ canary: inout CanaryRecord) async throws -> Bool {
            let given = try await waiting(candidate: true, limit: canary.candidateBlock * Registry.blocksAtOnce)
            let kept = try await waiting(candidate: false, limit: canary.controlBlock * Registry.blocksAtOnce)
            let blocks = min(given.count / canary.candidateBlock, kept.count / canary.controlBlock)
            guard blocks > 0 else { return false }
            var counted: (devices: [String], blocks: [Int64]) = ([], [])
            for block in 0..<blocks where canary.test.verdict == nil {
                let first = given[block * canary.candidateBlock..<(block + 1) * canary.candidateBlock]
                let second = kept[block * canary.controlBlock..<(block + 1) * canary.controlBlock]
                canary.test.add(candidate: first.map(\.value), control: second.map(\.value))
                for observation in Array(first) + Array(second) {
                    counted.devices.append(observation.device)
                    counted.blocks.append(canary.test.blocks)
                }
            }
            try await connection.query(
                """
                UPDATE eclm.canary_observations o SET block = n.block
                FROM unnest(\(counted.devices), \(counted.blocks)) n (device_id, block)
                WHERE o.canary_id = \(canaryID) AND o.device_id = n.device_id
                """)
            try await connection.query(
                "UPDATE eclm.canaries SET \(canary.test.assignments) WHERE canary_id = \(canaryID)")
            return blocks == Registry.blocksAtOnce
        }

        private func waiting(candidate: Bool, limit: Int) async throws -> [(device: String, value: Double)] {
            try await connection.query(
                """
                SELECT device_id, value FROM eclm.canary_observations
                WHERE canary_id = \(canaryID) AND candidate = \(candidate) AND block IS NULL
                ORDER BY observation_id LIMIT \(limit)
                """
            ).map { (device: try $0.decode("device_id"), value: try $0.decode("value")) }
        }

        private func end(
            _ canary: CanaryRecord, _ state: CanaryState, because decision: String
        ) async throws -> Outcome {
            try await Provenance(actor: actor, reason: "canary \(canaryID): \(decision)").apply(to: connection)
            try await Registry.decide(canary, state, because: decision, on: connection)
            return .ended(try await Registry.canary(canaryID, on: connection))
        }

        private static func explanation(_ canary: CanaryRecord, _ verdict: CanaryTest.Verdict) -> String {
            let (test, settings) = (canary.test, canary.settings)
            let evidence = verdict == .promote ? test.promotion : test.rollback
            func text(_ value: Double) -> String { String(format: "%.4g", value) }
            let finding =
                verdict == .promote
                ? "\(settings.metric) of release \(settings.candidate) is not worse by \(text(settings.margin))"
                : "\(settings.metric) of release \(settings.candidate) is worse"
            return finding + " than of release \(canary.control): \(text(test.candidate.mean)) against "
                + "\(text(test.control.mean)), e-value \(text(exp(evidence.logEValue))) of "
                + "\(text(exp(evidence.needed))) needed, \(test.candidate.observations) and "
                + "\(test.control.observations) devices"
        }
    }
}
