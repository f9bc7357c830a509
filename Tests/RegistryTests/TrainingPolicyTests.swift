import Aggregation
import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Training policies")
struct TrainingPolicyTests {
    private let alice = Provenance(actor: "alice", reason: "because")

    @Test("are numbered, keep what is not named, and tell who set them and why")
    func revisions() async throws {
        try await withDatabase { database in
            let registry = try await ModelFixture.publish(in: database).registry
            #expect(try await registry.policy(of: "mlp") == nil)
            let first = try await registry.setPolicy(
                of: "mlp", PolicyChange(rule: "trimmed_mean", parameters: ["fraction": 0.2, "clip_norm": 3]), as: alice)
            #expect(first.isNew && first.policy.revision == 1)
            #expect(first.policy.parameters == ["fraction": 0.2, "clip_norm": 3])
            #expect(first.policy.createdBy == "alice" && first.policy.reason == "because")
            let second = try await registry.setPolicy(
                of: "mlp", PolicyChange(parameters: ["clip_norm": nil], minimumUpdates: 7, maximumWait: 0.5),
                as: alice)
            #expect(second.policy.revision == 2 && second.policy.rule == "trimmed_mean")
            #expect(second.policy.parameters == ["fraction": 0.2])
            #expect(second.policy.minimumUpdates == 7 && second.policy.maximumUpdates == 256)
            #expect(second.policy.maximumWait == 0.5)
            let same = try await registry.setPolicy(of: "mlp", PolicyChange(minimumUpdates: 7), as: alice)
            #expect(!same.isNew && same.policy == second.policy)
            let third = try await registry.setPolicy(of: "mlp", PolicyChange(rule: "median"), as: alice)
            #expect(third.policy.parameters.isEmpty && third.policy.minimumUpdates == 7)
            #expect(try await registry.policyHistory(of: "mlp").items.map(\.revision) == [3, 2, 1])
            #expect(try await registry.policy(of: "mlp") == third.policy)
            let audited = try await database.pool.query(
                "SELECT actor, detail ->> 'reason' AS reason FROM eclm.audit WHERE action = 'policy.insert'")
            #expect(try audited.map { try $0.decode("actor", as: String.self) } == ["alice", "alice", "alice"])
            #expect(try audited.first?.decode("reason", as: String.self) == "because")
        }
    }

    @Test("have an optimizer, which begins without parameters when it becomes another, and a quorum")
    func optimizers() async throws {
        try await withDatabase { database in
            let registry = try await ModelFixture.publish(in: database).registry
            let first = try await registry.setPolicy(of: "mlp", PolicyChange(rule: "median"), as: alice).policy
            #expect(first.optimizer == "none" && first.optimizerParameters.isEmpty && first.quorum == 0)
            let second = try await registry.setPolicy(
                of: "mlp",
                PolicyChange(optimizer: "fedyogi", optimizerParameters: ["tau": 0.5, "beta1": 0], quorum: 3), as: alice
            ).policy
            #expect(second.optimizer == "fedyogi" && second.optimizerParameters == ["tau": 0.5, "beta1": 0])
            #expect(second.quorum == 3 && second.rule == "median")
            let third = try await registry.setPolicy(
                of: "mlp", PolicyChange(optimizerParameters: ["beta1": nil]), as: alice
            ).policy
            #expect(third.optimizerParameters == ["tau": 0.5] && third.quorum == 3)
            #expect(try third.policy().optimizer.values["beta2"] == 0.99)
            let fourth = try await registry.setPolicy(
                of: "mlp", PolicyChange(optimizer: "fedadam", quorum: 0), as: alice
            ).policy
            #expect(fourth.optimizer == "fedadam" && fourth.optimizerParameters.isEmpty && fourth.quorum == 0)
            #expect(try await registry.policy(of: "mlp") == fourth)
        }
    }

    @Test("and rounds: a request is refused where nothing waits")
    func requests() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            await #expect {
                _ = try await model.registry.requestRound(of: "mlp", as: alice)
            } throws: { ($0 as? RegistryError)?.code == .failedPrecondition }
            await #expect {
                _ = try await model.registry.requestRound(of: "absent", as: alice)
            } throws: { ($0 as? RegistryError)?.code == .notFound }
            try await model.submit([.init("l0.m00")], from: "device")
            let request = try await model.registry.requestRound(of: "mlp", as: alice)
            #expect(request.requestedBy == "alice" && request.reason == "because" && request.model == "mlp")
            #expect(request.answeredAt == nil && request.answer == nil && request.round == nil)
            #expect(try await model.registry.roundRequest(request.requestID) == request)
            let audited = try await database.pool.query(
                "SELECT FROM eclm.audit WHERE action = 'round_request.insert' AND actor = 'alice'")
            #expect(audited.count == 1)
        }
    }

    @Test(
        "are refused when they cannot work",
        arguments: [
            PolicyChange(rule: "nonsense"), PolicyChange(rule: "krum"), PolicyChange(parameters: ["fraction": 0.1]),
            PolicyChange(rule: "trimmed_mean", parameters: ["fraction": 0.5]),
            PolicyChange(rule: "krum", parameters: ["f": 1.5]), PolicyChange(rule: "krum", parameters: ["f": -1]),
            PolicyChange(parameters: ["clip_norm": 0]), PolicyChange(parameters: ["clip_norm": .infinity]),
            PolicyChange(parameters: ["clip_norm": .nan]), PolicyChange(minimumUpdates: 0),
            PolicyChange(minimumUpdates: 300), PolicyChange(maximumUpdates: 65_537), PolicyChange(maximumWait: -1),
            PolicyChange(rule: "krum", parameters: ["f": 200]),
            PolicyChange(rule: "median", parameters: ["staleness": 0.5]), PolicyChange(parameters: ["norm_z": 0]),
            PolicyChange(parameters: ["maximum_staleness": 1.5]), PolicyChange(parameters: ["refuse_duplicates": 2]),
            PolicyChange(rule: "krum", parameters: ["f": 1], maximumUpdates: 2000),
            PolicyChange(optimizer: "sgd"), PolicyChange(optimizer: "fedadam", optimizerParameters: ["tau": 0]),
            PolicyChange(optimizer: "fedavgm", optimizerParameters: ["momentum": 1]),
            PolicyChange(optimizerParameters: ["momentum": 0.5]), PolicyChange(quorum: -1), PolicyChange(quorum: 257),
        ])
    func refused(_ change: PolicyChange) async throws {
        try await withDatabase { database in
            let registry = try await ModelFixture.publish(in: database).registry
            await #expect {
                _ = try await registry.setPolicy(of: "mlp", change, as: alice)
            } throws: { error in
                (error as? RegistryError)?.code == .invalidArgument
            }
            #expect(try await registry.policy(of: "mlp") == nil)
        }
    }

    @Test("are refused by the database, too, where a program lets them pass")
    func constraints() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            for values in [
                "'r', '[]', 1, 1, 0", "'r', '{\"f\": \"1\"}', 1, 1, 0", "'r', '{}', 2, 1, 0", "'r', '{}', 0, 1, 0",
                "'r', '{}', 1, 65537, 0", "'r', '{}', 1, 1, 'NaN'", "'r', '{}', 1, 1, -1", "'R', '{}', 1, 1, 0",
            ] {
                await #expect(throws: (any Error).self, "\(values)") {
                    try await database.withConnection {
                        try await $0.execute(
                            script: """
                                INSERT INTO eclm.policies (model_id, rule, parameters, minimum_updates,
                                    maximum_updates, maximum_wait) VALUES (1, \(values))
                                """)
                    }
                }
            }
        }
    }

    @Test("and updates: all named ones go back to the queue, or none")
    func requeue() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            var ids: [UpdateID] = []
            for device in 0..<3 { ids.append(try await model.submit([.init("l0.m00")], from: "device-\(device)")) }
            try await database.pool.query(
                """
                UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'test', decided_at = now()
                WHERE update_id <> \(ids[2].rawValue)
                """)
            func code(_ updates: [UpdateID]) async -> RegistryError.Code? {
                do {
                    _ = try await model.registry.requeue(updates, as: alice)
                    return nil
                } catch { return error.code }
            }
            #expect(await code([]) == .invalidArgument)
            #expect(await code([ids[0], UpdateID(999)]) == .notFound)
            #expect(await code([ids[0], ids[2]]) == .failedPrecondition)
            #expect(try await model.registry.update(ids[0]).status == .quarantined)
            let records = try await model.registry.requeue([ids[1], ids[0]], as: alice)
            #expect(records.map(\.updateID) == [ids[0], ids[1]])
            #expect(records.allSatisfy { $0.status == .pending && $0.quarantineReason == nil && $0.decidedAt == nil })
            let audited = try await database.pool.query(
                """
                SELECT actor, detail ->> 'reason' AS reason FROM eclm.audit
                WHERE action = 'update.update' AND detail ->> 'status' = 'pending'
                """)
            #expect(audited.count == 2)
            #expect(try audited.first?.decode("reason", as: String.self) == "because")
        }
    }
}
