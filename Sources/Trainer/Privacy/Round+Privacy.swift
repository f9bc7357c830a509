import Aggregation
import ECLMCore
import PostgreSQL
import Registry

extension Round {
    /// Makes the next version of every module that the rule trains, of the accepted updates and noise.
    ///
    /// - Parameter seed: A fresh one.
    func aggregatePrivately(
        _ accepted: [ClaimedUpdate], onto base: RoundBase, _ bases: [ModuleVersionID: ModuleVersionRecord],
        by mechanism: PrivacyMechanism, seed: [UInt8], _ policy: RoundPolicy, on connection: PostgresConnection,
        into outcome: inout RoundOutcome
    ) async throws -> [Aggregate] {
        outcome.updates = accepted.map(\.updateID)
        let sum = try await PrivateSum(
            of: accepted, bases, onto: try await base.versions(on: connection), by: mechanism,
            ModuleAggregation(blobs: registry.blobs, rule: policy.rule, blockMemory: blockMemory))
        // Those that somebody trained were looked at with the updates.
        let trained = Set(accepted.flatMap { $0.modules.map(\.moduleID) })
        var changed: [Aggregate] = []
        for version in sum.versions {
            if !trained.contains(version.moduleID) { try await version.aggregationBase.verify(in: registry.blobs) }
            let aggregate = try await store(
                try await sum.file(of: version, seed: seed), of: version, sum.weights, policy, on: connection)
            outcome.count(aggregate, among: &changed)
        }
        return changed
    }

    /// The updates that a private round refuses besides those at fault, with the reasons: they hang on when a device took
    /// part before and on what it trained from, never on what it learned.
    func privacyRefusals(
        of updates: [ClaimedUpdate], by mechanism: PrivacyMechanism, _ validation: UpdateValidation,
        _ policy: RoundPolicy, on connection: PostgresConnection
    ) async throws -> [UpdateID: String] {
        var refusals: [UpdateID: String] = [:]
        for update in updates {
            // A difference is told to a version; full weights are compared with theirs.
            let strange = update.modules.first { module in
                policy.rule.trains(module.kind)
                    && validation.bases[module.baseVersionID]?.tensors != validation.versions[module.moduleID]?.tensors
            }
            if let strange {
                refusals[update.updateID] =
                    "module \(strange.name): it was trained from other tensors than the current version's, so its "
                    + "difference cannot be clipped"
            }
        }
        guard let limit = mechanism.epsilonLimit else { return refusals }
        let rows = try await connection.query(
            """
            WITH spent AS (SELECT u.update_id, coalesce(l.rho, 0) AS rho FROM eclm.updates u
                LEFT JOIN eclm.privacy_ledger l ON l.model_id = u.model_id AND l.device_id = u.device_id
                WHERE u.update_id = ANY (\(updates.map(\.updateID.rawValue))))
            SELECT s.update_id, c.epsilon FROM spent s
            JOIN (SELECT d.rho, eclm.privacy_epsilon(d.rho + \(mechanism.cost), \(mechanism.delta)) AS epsilon
                FROM (SELECT DISTINCT rho FROM spent) d) c ON c.rho = s.rho
            WHERE c.epsilon > \(limit)
            """)
        for row in rows {
            let epsilon = try row.decode("epsilon", as: Double.self)
            refusals[UpdateID(try row.decode("update_id"))] =
                "the device's privacy budget is spent: with this round its epsilon would be "
                + "\((epsilon * 1000).rounded() / 1000), and the policy's limit is \(limit)"
        }
        return refusals
    }
}

extension RoundCommit {
    /// Charges the round's devices and keeps its seed, after its updates were counted.
    func charge(_ round: RoundID, seed: [UInt8]) async throws {
        try await connection.query("INSERT INTO eclm.round_privacy (round_id) VALUES (\(round.rawValue))")
        try await connection.query(
            "INSERT INTO eclm.round_seeds (round_id, seed) VALUES (\(round.rawValue), \(seed))")
    }
}

extension RoundID {
    /// The seed of a private round's noise.
    ///
    /// - Throws: ``RegistryError`` with `permissionDenied` where the login may not see it, with `dataLoss` where there is
    ///   none.
    func seed(on connection: PostgresConnection) async throws -> [UInt8] {
        let mayRead: Bool = try await connection.query(
            "SELECT has_table_privilege('eclm.round_seeds', 'SELECT') AS readable"
        ).one().decode("readable")
        guard mayRead else {
            throw RegistryError(
                .permissionDenied,
                "the round is private, and its noise can only be computed again by who may read what it was drawn from: "
                    + "use a login with the role eclm_trainer")
        }
        let row = try await connection.query("SELECT seed FROM eclm.round_seeds WHERE round_id = \(rawValue)")
            .oneOrNone()
        guard let row else { throw RegistryError(.dataLoss, "the seed of the private round is not there") }
        return try row.decode("seed")
    }
}
