import Aggregation
package import ECLMCore
package import PostgreSQL

extension Registry {
    /// The policy that counts for a model; `nil` where the trainer's own settings count.
    ///
    /// - Throws: `notFound` for an unknown model.
    public func policy(of model: String) async throws(RegistryError) -> PolicyRecord? {
        try await registryErrors {
            try await pool.query(Self.newest(of: try await modelID(model))).first.map(PolicyRecord.init)
        }
    }

    /// The policies of a model, newest first.
    ///
    /// - Throws: `notFound` for an unknown model.
    public func policyHistory(
        of model: String, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<PolicyRecord> {
        let before = try page.numberToken().map { Int32(clamping: $0) } ?? .max
        return try await registryErrors {
            let modelID = try await modelID(model)
            let rows = try await pool.query(
                """
                \(PolicyRecord.select) WHERE p.model_id = \(modelID.rawValue) AND p.revision < \(before)
                ORDER BY p.revision DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(PolicyRecord.init), size: page.size) { String($0.revision) }
        }
    }

    /// Sets a model's policy: the newest one, or the trainer's defaults where there is none, with a change.
    ///
    /// - Returns: The newest policy, and whether it is new: a change that changes nothing makes no revision.
    /// - Throws: `notFound` for an unknown model; `invalidArgument` for a policy that cannot work; `permissionDenied`
    ///   without the operator's role.
    public func setPolicy(
        of model: String, _ change: PolicyChange, as provenance: Provenance
    ) async throws(RegistryError) -> (policy: PolicyRecord, isNew: Bool) {
        try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(model, on: connection)
            let current = try await Self.newestPolicy(of: modelID, on: connection)
            let before = try current?.policy(in: vocabulary)
            let after = try change.applied(to: before ?? TrainingPolicy(), in: vocabulary)
            if let current, before == after { return (current, false) }
            let parameters = JSONText(try CanonicalJSON.string(after.rule.parameters))
            let optimizerParameters = JSONText(try CanonicalJSON.string(after.optimizer.parameters))
            try await connection.query(
                """
                INSERT INTO eclm.policies (model_id, rule, parameters, minimum_updates, maximum_updates, maximum_wait,
                    train_selector, optimizer, optimizer_parameters, quorum, required_updates, required_devices)
                VALUES (\(modelID.rawValue), \(after.rule.definition.name), \(parameters), \(Int32(after.minimumUpdates)),
                    \(Int32(after.maximumUpdates)), \(after.maximumWait), \(after.trainsSelector),
                    \(after.optimizer.definition.name), \(optimizerParameters), \(Int32(after.quorum)),
                    \(after.requiredUpdates.map { Int32($0) }), \(after.requiredDevices.map { Int32($0) }))
                """)
            guard let policy = try await Self.newestPolicy(of: modelID, on: connection) else {
                throw RegistryError(.internal, "the policy of \(model) that was written cannot be read")
            }
            return (policy, true)
        }
    }

    /// The newest policy of a model, read over a connection that a transaction holds.
    package static func newestPolicy(
        of model: ModelID, on connection: PostgresConnection
    ) async throws -> PolicyRecord? {
        try await connection.query(newest(of: model)).first.map(PolicyRecord.init)
    }

    /// One revision of a model's policy; `nil` when there is none of that number.
    package static func policy(
        of model: ModelID, revision: Int, on connection: PostgresConnection
    ) async throws -> PolicyRecord? {
        try await connection.query(
            "\(PolicyRecord.select) WHERE p.model_id = \(model.rawValue) AND p.revision = \(Int32(clamping: revision))"
        ).first.map(PolicyRecord.init)
    }

    private static func newest(of model: ModelID) -> SQL {
        "\(PolicyRecord.select) WHERE p.model_id = \(model.rawValue) ORDER BY p.revision DESC LIMIT 1"
    }
}
