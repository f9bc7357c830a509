import PostgreSQL
import Registry

/// A model with updates in the queue.
struct PendingModel: Sendable {
    var name: String
    /// How long its updates may still wait for others.
    var dueIn: Duration
    var hasChannel: Bool
    /// Whether a canary holds the channel, and so the rounds.
    var isOnTrial: Bool
}

extension Trainer {
    /// The models with pending updates, the one with the oldest first.
    func pendingModels() async throws(TrainerError) -> [PendingModel] {
        do {
            return try await registryErrors {
                // One look into the index of pending updates a model, and no count beyond what decides.
                let rows = try await registry.pool.query(
                    """
                    SELECT mo.name, oldest.age, (SELECT count(*) FROM (SELECT FROM eclm.updates u
                            WHERE u.model_id = mo.model_id AND u.status = 'pending' LIMIT rules.minimum) few)
                            >= rules.minimum AS enough, rules.wait,
                        EXISTS (SELECT FROM eclm.channels c
                            WHERE c.model_id = mo.model_id AND c.name = \(policy.channel)) AS has_channel,
                        EXISTS (SELECT FROM eclm.canaries y JOIN eclm.channels c USING (channel_id)
                            WHERE y.model_id = mo.model_id AND y.state = 'running'
                                AND c.name = \(policy.channel)) AS on_trial
                    FROM eclm.models mo
                    CROSS JOIN LATERAL (SELECT u.update_id,
                            extract(epoch FROM clock_timestamp() - u.submitted_at)::float8 AS age
                        FROM eclm.updates u WHERE u.model_id = mo.model_id AND u.status = 'pending'
                        ORDER BY u.update_id LIMIT 1) oldest
                    CROSS JOIN LATERAL (SELECT coalesce(max(p.minimum_updates), \(Int32(policy.minimumUpdates))) AS minimum,
                            coalesce(max(p.maximum_wait), \(policy.maximumWait / .seconds(1))) AS wait
                        FROM (SELECT minimum_updates, maximum_wait FROM eclm.policies
                            WHERE model_id = mo.model_id ORDER BY revision DESC LIMIT 1) p) rules
                    WHERE \(policy.models.isEmpty) OR mo.name = ANY (\(policy.models.sorted()))
                    ORDER BY oldest.update_id
                    """, retry: .idempotent)
                return try rows.map { row in
                    let age = Duration.seconds(try row.decode("age", as: Double.self))
                    let wait = Duration.seconds(try row.decode("wait", as: Double.self))
                    let enough: Bool = try row.decode("enough")
                    return PendingModel(
                        name: try row.decode("name"), dueIn: enough ? .zero : max(.zero, wait - age),
                        hasChannel: try row.decode("has_channel"), isOnTrial: try row.decode("on_trial"))
                }
            }
        } catch {
            throw TrainerError(error)
        }
    }
}
