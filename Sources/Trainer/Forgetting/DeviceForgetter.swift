import ECLMCore
import PostgreSQL
public import Registry

/// Takes a device's updates out of a model's past rounds: computes the affected rounds again without them, one on top of
/// the other, and releases what comes of it. Nothing is deleted; docs/operations.md says what counts how.
///
///     let forgetter = try DeviceForgetter(registry: registry)
///     let outcome = try await forgetter.forget(
///         DeviceRemoval(device: "phone-17"), in: "minilm", channel: "stable", as: provenance)
///
/// It computes without a lock, over what is immutable, and commits in one transaction. Where the channel moved meanwhile
/// it begins anew, and after `maximumRestarts` times with the model's lock held from the start.
public struct DeviceForgetter: Sendable {
    private let registry: Registry
    private let blockMemory: Int
    /// How often it begins anew before it keeps rounds and publications waiting.
    static let maximumRestarts = 2
    /// For tests: runs after the weights were computed without a lock, before the commit.
    var beforeCommit: (@Sendable () async throws -> Void)?

    /// A forgetter; it needs a login with the roles of an operator and of a trainer, and a reader's for ``plan(_:in:channel:)``.
    ///
    /// - Parameter blockMemory: As ``TrainerPolicy/blockMemory``: of no influence on the outcome.
    /// - Throws: ``TrainerError`` with `invalidPolicy` for a pool of one connection.
    public init(registry: Registry, blockMemory: Int = TrainerPolicy().blockMemory) throws(TrainerError) {
        guard registry.pool.configuration.maximumConnections >= 2 else {
            throw TrainerError(
                .invalidPolicy, "at least 2 connections are needed: one for the transaction and one for blobs")
        }
        self.registry = registry
        self.blockMemory = blockMemory
    }

    /// Says what would be computed again and what would change, and changes nothing. A module whose weights would come
    /// out as they are is among the changes, since nothing is computed.
    ///
    /// - Throws: ``TrainerError`` with `notFound` for a model, channel or device that is not there; with `registryUnfit`
    ///   where an affected round cannot be computed again.
    public func plan(
        _ removal: DeviceRemoval, in model: String, channel: String
    ) async throws(TrainerError) -> ForgetOutcome {
        do {
            return try await registryErrors {
                try await registry.pool.registryTransaction(isolation: .repeatableRead, readOnly: true) { connection in
                    let computed = try await prepare(removal, in: model, channel: channel, on: connection)
                    let history = computed.plan.history
                    var outcome = outcome(of: computed, removal, in: model, channel: channel)
                    outcome.quarantined = try await ForgetCommit.pending(
                        removal, of: history.modelID, newestRound: history.newestRound, locked: false, on: connection)
                    outcome.recomputed = computed.plan.neededSteps.map { recomputed($0, computed) }
                    outcome.changes = computed.plan.result.keys.sorted().compactMap { module in
                        computed.current(module).map { .init(module: $0.module, fromVersion: $0.version) }
                    }
                    outcome.otherChannels = try await otherChannels(computed, channel, on: connection)
                    return outcome
                }
            }
        } catch {
            throw TrainerError(error)
        }
    }

    /// Leaves a device out.
    ///
    /// - Parameter provenance: Who does it and why; the reason must not be empty.
    /// - Returns: What was done; ``ForgetOutcome/release`` is `nil` where the channel's release has nothing of the device.
    /// - Throws: As ``plan(_:in:channel:)``; with `conflict` where others kept changing the model. Nothing was changed then.
    public func forget(
        _ removal: DeviceRemoval, in model: String, channel: String, as provenance: Provenance
    ) async throws(TrainerError) -> ForgetOutcome {
        do {
            return try await registryErrors {
                guard !provenance.reason.isEmpty else {
                    throw RegistryError(.invalidArgument, "a rollback needs a reason: the channel's history tells it")
                }
                return try await attempts(removal, in: model, channel: channel, as: provenance)
            }
        } catch {
            throw TrainerError(error)
        }
    }

    private func attempts(
        _ removal: DeviceRemoval, in model: String, channel: String, as provenance: Provenance
    ) async throws -> ForgetOutcome {
        for _ in 0..<Self.maximumRestarts {
            let prepared = try await registry.pool.registryTransaction(
                isolation: .repeatableRead, readOnly: true
            ) { connection in
                try await prepare(removal, in: model, channel: channel, on: connection)
            }
            var computed = prepared
            try await computed.run()
            try await beforeCommit?()
            do {
                let finished = computed
                return try await registry.pool.registryTransaction { connection in
                    try await commit(finished, removal, in: model, channel: channel, as: provenance, on: connection)
                }
            } catch {
                guard error.cause is RoundOutdated else { throw error }
            }
        }
        return try await registry.pool.registryTransaction { connection in
            let base = try await RoundBase.read(model: model, channel: channel, on: connection)
            let commit = ForgetCommit(
                model: model, channel: channel, removal: removal, provenance: provenance, connection: connection)
            _ = try await commit.lock(of: base.modelID, newestRound: .max - 1)
            var computed = try await prepare(removal, in: model, channel: channel, on: connection)
            try await computed.run()
            return try await self.commit(
                computed, removal, in: model, channel: channel, as: provenance, on: connection)
        }
    }

    /// Reads and plans; what is computed then are weights alone.
    private func prepare(
        _ removal: DeviceRemoval, in model: String, channel: String, on connection: PostgresConnection
    ) async throws -> Recomputation {
        let history = try await RoundHistory.read(model: model, channel: channel, removal: removal, on: connection)
        var policies: [RoundID: Result<RoundPolicy, RegistryError>] = [:]
        var known: [String: Result<RoundPolicy, RegistryError>] = [:]
        for round in history.rounds.values {
            let key = "\(round.policyRevision ?? 0) \(round.rule)"
            if known[key] == nil {
                do {
                    known[key] = .success(
                        try await RecordedRound.policy(
                            of: history.modelID, revision: round.policyRevision, rule: round.rule,
                            in: registry.vocabulary, on: connection))
                } catch let error as RegistryError {
                    guard [.failedPrecondition, .dataLoss, .invalidArgument].contains(error.code) else { throw error }
                    known[key] = .failure(error)
                }
            }
            policies[round.id] = known[key]
        }
        let plan = try RecomputationPlan(history, without: removal, policies: policies)
        var computed = Recomputation(registry: registry, blockMemory: blockMemory, plan: plan)
        try await computed.readRecords(on: connection)
        return computed
    }

    private func commit(
        _ computed: Recomputation, _ removal: DeviceRemoval, in model: String, channel: String,
        as provenance: Provenance, on connection: PostgresConnection
    ) async throws -> ForgetOutcome {
        let history = computed.plan.history
        try await provenance.apply(to: connection)
        let commit = ForgetCommit(
            model: model, channel: channel, removal: removal, provenance: provenance, connection: connection)
        let pending = try await commit.lock(of: history.modelID, newestRound: history.newestRound)
        try await commit.checkStillCurrent(history)
        var outcome = outcome(of: computed, removal, in: model, channel: channel)
        outcome.quarantined = pending
        try await commit.quarantine(pending)
        let changed = try computed.changedModules()
        guard !changed.isEmpty else { return outcome }
        let ids = try await commit.write(computed, into: &outcome)
        let numbers = try await self.numbers(of: ids, on: connection)
        outcome.recomputed = computed.plan.neededSteps.map { step in
            var line = recomputed(step, computed)
            line.version = numbers[step]
            return line
        }
        outcome.changes = changed.map { old, new in
            .init(
                module: old.module, fromVersion: old.version,
                toVersion: new.step.flatMap { numbers[$0] } ?? new.record.version)
        }
        outcome.otherChannels = try await otherChannels(computed, channel, on: connection)
        return outcome
    }

    private func outcome(
        of computed: Recomputation, _ removal: DeviceRemoval, in model: String, channel: String
    ) -> ForgetOutcome {
        ForgetOutcome(
            model: model, channel: channel, removal: removal, fromRelease: computed.plan.history.channelReleaseNumber,
            leftOut: computed.plan.leftOut.sorted { ($0.round, $0.updateID) < ($1.round, $1.updateID) })
    }

    private func recomputed(_ number: Int, _ computed: Recomputation) -> ForgetOutcome.Recomputed {
        let step = computed.plan.steps[number]
        return ForgetOutcome.Recomputed(
            round: computed.plan.history.rounds[step.round]?.number ?? 0,
            module: computed.current(step.module)?.module ?? "\(step.module)",
            replacedVersion: computed.plan.original(of: step).flatMap { computed.records[$0]?.version },
            updates: step.inputs.count)
    }

    /// The numbers of new versions, by step.
    private func numbers(
        of ids: [Int: ModuleVersionID], on connection: PostgresConnection
    ) async throws -> [Int: Int] {
        let rows = try await connection.query(
            """
            SELECT module_version_id, version FROM eclm.module_versions
            WHERE module_version_id = ANY (\(ids.values.map(\.rawValue)))
            """)
        var numbers: [ModuleVersionID: Int] = [:]
        for row in rows {
            numbers[ModuleVersionID(try row.decode("module_version_id"))] =
                Int(try row.decode("version", as: Int32.self))
        }
        return ids.compactMapValues { numbers[$0] }
    }

    private func otherChannels(
        _ computed: Recomputation, _ channel: String, on connection: PostgresConnection
    ) async throws -> [String] {
        try await connection.query(
            """
            SELECT DISTINCT c.name::text AS name FROM eclm.channels c JOIN eclm.release_modules rm USING (release_id)
            WHERE rm.module_version_id = ANY (\(computed.replacedVersions.map(\.rawValue).sorted()))
                AND c.model_id = \(computed.plan.history.modelID.rawValue) AND c.name <> \(channel)
            ORDER BY 1
            """
        ).map { try $0.decode("name") }
    }
}

extension Recomputation {
    /// The version of a module that the channel has.
    fileprivate func current(_ module: ModuleID) -> ModuleVersionRecord? {
        plan.history.releases[plan.history.channelRelease]?.versions[module].flatMap { records[$0] }
    }

    /// The channel's versions that another takes the place of, with that, in the order of the modules.
    fileprivate func changedModules() throws -> [(old: ModuleVersionRecord, new: Version)] {
        try plan.result.sorted { $0.key < $1.key }.compactMap { module, node in
            guard let old = current(module) else { return nil }
            let new = try version(node)
            guard new.step != nil || new.record.moduleVersionID != old.moduleVersionID else { return nil }
            return (old, new)
        }
    }
}
