import Aggregation
import PostgreSQL
import Registry

/// A model with updates in the queue, or with a request for a round that nobody has answered.
struct PendingModel: Sendable {
    var name: String
    /// How long its updates may still wait for others.
    var dueIn: Duration
    var hasChannel: Bool
    /// Whether a canary holds the channel, and so the rounds.
    var isOnTrial: Bool
    /// Somebody asked for a round, and no trainer has answered.
    var isAsked: Bool
}

extension Trainer {
    /// The models with pending updates or open requests, the one with the oldest update first.
    func pendingModels() async throws(TrainerError) -> [PendingModel] {
        do {
            return try await registryErrors {
                // One look into the index of pending updates a model, and no count beyond what decides.
                let rows = try await registry.pool.query(
                    """
                    SELECT mo.name, coalesce(oldest.age, 0) AS age, asked.asked, asked.asked
                        OR CASE WHEN rules.private THEN (SELECT count(*) FROM (SELECT DISTINCT u.device_id FROM eclm.updates u
                            WHERE u.model_id = mo.model_id AND u.status = 'pending' LIMIT rules.minimum) few)
                        ELSE (SELECT count(*) FROM (SELECT FROM eclm.updates u
                            WHERE u.model_id = mo.model_id AND u.status = 'pending' LIMIT rules.minimum) few) END
                            >= rules.minimum
                        OR rules.quorum > 0 AND EXISTS (SELECT FROM (SELECT u.update_id FROM eclm.updates u
                                WHERE u.model_id = mo.model_id AND u.status = 'pending'
                                ORDER BY u.update_id LIMIT rules.maximum) few
                            JOIN eclm.update_modules um USING (update_id)
                            JOIN eclm.modules m USING (module_id)
                            WHERE rules.selector OR m.kind <> 'selector'
                            GROUP BY um.module_id HAVING count(*) >= rules.quorum) AS enough, rules.wait,
                        EXISTS (SELECT FROM eclm.channels c
                            WHERE c.model_id = mo.model_id AND c.name = \(policy.channel)) AS has_channel,
                        EXISTS (SELECT FROM eclm.canaries y JOIN eclm.channels c USING (channel_id)
                            WHERE y.model_id = mo.model_id AND y.state = 'running'
                                AND c.name = \(policy.channel)) AS on_trial
                    FROM eclm.models mo
                    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM eclm.round_requests q
                        WHERE q.model_id = mo.model_id AND q.answered_at IS NULL) AS asked) asked
                    LEFT JOIN LATERAL (SELECT u.update_id,
                            extract(epoch FROM clock_timestamp() - u.submitted_at)::float8 AS age
                        FROM eclm.updates u WHERE u.model_id = mo.model_id AND u.status = 'pending'
                        ORDER BY u.update_id LIMIT 1) oldest ON true
                    CROSS JOIN LATERAL (SELECT coalesce(max(p.minimum_updates), \(Int32(policy.minimumUpdates))) AS minimum,
                            coalesce(max(p.maximum_wait), \(policy.maximumWait / .seconds(1))) AS wait,
                            coalesce(max(p.quorum), 0) AS quorum, coalesce(max(p.maximum_updates), 1) AS maximum,
                            coalesce(bool_or(p.train_selector), false) AS selector,
                            coalesce(bool_or(p.rule = ANY (\(registry.vocabulary.privateRules))), false) AS private
                        FROM (SELECT rule, minimum_updates, maximum_updates, maximum_wait, quorum, train_selector
                            FROM eclm.policies
                            WHERE model_id = mo.model_id ORDER BY revision DESC LIMIT 1) p) rules
                    WHERE (oldest.update_id IS NOT NULL OR asked.asked)
                        AND (\(policy.models.isEmpty) OR mo.name = ANY (\(policy.models.sorted())))
                    ORDER BY oldest.update_id NULLS LAST
                    """, retry: .idempotent)
                return try rows.map { row in
                    let age = Duration.seconds(try row.decode("age", as: Double.self))
                    let wait = Duration.seconds(try row.decode("wait", as: Double.self))
                    let enough: Bool = try row.decode("enough")
                    return PendingModel(
                        name: try row.decode("name"), dueIn: enough ? .zero : max(.zero, wait - age),
                        hasChannel: try row.decode("has_channel"), isOnTrial: try row.decode("on_trial"),
                        isAsked: try row.decode("asked"))
                }
            }
        } catch {
            throw TrainerError(error)
        }
    }
}
