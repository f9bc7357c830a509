import PostgreSQL
import TestSupport

/// A model's whole life in plain SQL, each step by the login whose work it is. In a fresh database its identifiers are
/// known: model 1 has module 1 (stem), 2 and 3 (experts of layer 0), versions of the same numbers and release 1; device
/// `phone` submits updates 1 and 2; round 1 makes version 4 of module 2 and release 2.
enum SchemaStory {
    /// After the story: release 3 leaves the device `phone` out of round 1, by a login with the roles of an operator and a
    /// trainer; module 2 gets a version of its own for it.
    static func leaveOut(in database: TestDatabase) async throws {
        try await database.withConnection { connection in
            try await connection.execute(
                script: """
                    BEGIN;
                    SET LOCAL ROLE eclm_trainer;
                    INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                        flops, peak_memory, origin)
                        SELECT model_id, module_id, 3, digest, dtype, tensors, bytes, parameters, flops, peak_memory, 'rollback'
                        FROM eclm.module_versions WHERE module_version_id = 4;
                    SET LOCAL ROLE eclm_operator;
                    SET LOCAL eclm.reason = 'its key leaked';
                    INSERT INTO eclm.recomputations (model_id, release_id, device_id) VALUES (1, 3, 'phone');
                    SET LOCAL ROLE eclm_trainer;
                    INSERT INTO eclm.recomputed_versions VALUES (5, 1, 1);
                    COMMIT;
                    """)
        }
    }

    /// After the story: the policy becomes a private one, and round 2 counts update 2 without making anything of it.
    static func keepPrivate(in database: TestDatabase) async throws {
        try await database.withConnection(as: .operator) { connection in
            try await connection.execute(
                script: """
                    INSERT INTO eclm.policies (model_id, rule, parameters, minimum_updates, maximum_updates, maximum_wait)
                        VALUES (1, 'private_mean', '{"noise_multiplier": 2, "clip_norm": 0.5, "delta": 1e-6}', 1, 100, 600)
                    """)
        }
        try await database.withConnection(as: .trainer) { connection in
            try await connection.execute(script: "BEGIN; \(privateRound(2, of: 2)); \(charge); COMMIT")
        }
    }

    /// At the end: release 1 mirrors a parent's, round 3 waits to be handed over, and update 1 is a region's.
    static func handOver(in database: TestDatabase) async throws {
        try await database.withConnection(as: .region) { connection in
            try await connection.execute(
                script: """
                    BEGIN;
                    INSERT INTO eclm.mirrored_releases (model_id, parent_release, release_id, parent) VALUES (1, 7, 1, 'root:1');
                    INSERT INTO eclm.rounds (model_id, number, base_release_id, rule, trainer, started_at)
                        VALUES (1, 3, 1, 'importance_mean', 'trainer-1', now());
                    INSERT INTO eclm.hand_overs (round_id, model_id, region, parent_release, idempotency_key, sample_count, state)
                        SELECT max(round_id), 1, 'north', 7, 'round-3', 10, 'waiting' FROM eclm.rounds;
                    INSERT INTO eclm.partials
                        SELECT max(round_id), 2, 2, sha256('trained'), sha256('trained'), 1, 10, 1 FROM eclm.rounds;
                    COMMIT;
                    """)
        }
        try await database.withConnection(as: .device) { connection in
            try await connection.execute(
                script: """
                    INSERT INTO eclm.partial_aggregates (update_id, module_id, lineage, document, updates)
                        VALUES (1, 2, sha256('trained'), '{"region": "south", "rule": "importance_mean", "inputs": []}', 1)
                    """)
        }
    }

    /// A round of one update under policy 2, without its charge.
    static func privateRound(_ number: Int, of update: Int) -> String {
        """
        SELECT 1 FROM eclm.models WHERE model_id = 1 FOR UPDATE;
        INSERT INTO eclm.rounds (model_id, number, base_release_id, rule, trainer, started_at, policy_revision)
            VALUES (1, \(number), 3, 'private_mean', 'trainer-1', now(), 2);
        INSERT INTO eclm.round_updates (update_id, model_id, round_id)
            VALUES (\(update), 1, (SELECT max(round_id) FROM eclm.rounds));
        UPDATE eclm.updates SET status = 'aggregated', decided_at = now() WHERE update_id = \(update)
        """
    }

    /// The charge of the last round, and its seed.
    static let charge = """
        INSERT INTO eclm.round_privacy (round_id) VALUES ((SELECT max(round_id) FROM eclm.rounds));
        INSERT INTO eclm.round_seeds (round_id, seed) VALUES ((SELECT max(round_id) FROM eclm.rounds), sha256('dice'))
        """

    static let steps: [(role: TestRole, script: String)] = [
        (
            .publisher,
            """
            BEGIN;
            SET LOCAL eclm.actor = 'ada';
            SET LOCAL eclm.reason = 'first publication';
            SELECT 1 FROM eclm.models WHERE model_id = 1 FOR UPDATE;
            INSERT INTO eclm.models (name, summary) VALUES ('har', 'a story');
            INSERT INTO eclm.module_layers (model_id, layer, name, block) VALUES (1, 0, 'block', 'feed_forward');
            INSERT INTO eclm.modules (model_id, kind, layer, index, name) VALUES
                (1, 'stem', NULL, 0, 'stem0'), (1, 'expert', 0, 0, 'l0.m00'), (1, 'expert', 0, 1, 'l0.m01');
            \(blob("one", 1)); \(blob("two", 2)); \(blob("three", 3));
            INSERT INTO eclm.module_versions
                (model_id, module_id, version, digest, dtype, tensors, bytes, parameters, flops, peak_memory, origin)
                VALUES (1, 1, 1, sha256('one'), 'F32', '[]', 3, 1, 1, 1, 'publish'),
                       (1, 2, 1, sha256('two'), 'F32', '[]', 3, 1, 1, 1, 'publish'),
                       (1, 3, 1, sha256('three'), 'F32', '[]', 5, 1, 1, 1, 'publish');
            INSERT INTO eclm.requirements (module_version_id, dtypes) SELECT generate_series(1, 3), '{F32}';
            INSERT INTO eclm.releases (model_id, number, origin) VALUES (1, 1, 'publish');
            INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                VALUES (1, 1, 1, 1, 1), (1, 1, 2, 2, 1), (1, 1, 3, 3, 1);
            INSERT INTO eclm.channels (model_id, name, release_id, action) VALUES (1, 'stable', 1, 'publish');
            COMMIT;
            """
        ),
        (
            .operator,
            """
            INSERT INTO eclm.device_classes (name, memory, flops, dtypes, operators, runtime)
                VALUES ('phone', 1000, 1000, '{F32}', '{matmul}', '{1,0,0}');
            INSERT INTO eclm.costs (module_version_id, device_class_id, memory, flops) VALUES (1, 1, 10, 10);
            UPDATE eclm.costs SET memory = 11;
            """
        ),
        (
            .device,
            """
            INSERT INTO eclm.devices (device_id, device_class_id, token_digest) VALUES ('phone', 1, sha256('token'));
            UPDATE eclm.devices SET attributes = '{"os": "linux"}';
            INSERT INTO eclm.compositions (device_id, release_id, budget, module_version_ids, memory, flops, fetch_bytes,
                objective, gap, composed_at) VALUES ('phone', 1, '{}', '{1,2}', 2, 2, 6, 2, 0, now());
            INSERT INTO eclm.blob_uploads (digest, size, uploader) VALUES (sha256('x'), 1, 'device:phone');
            BEGIN;
            \(blob("trained", 4));
            INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest, sample_count)
                VALUES ('phone', 1, 1, 'a', sha256('a'), 10), ('phone', 1, 1, 'b', sha256('b'), 10);
            INSERT INTO eclm.update_modules
                (update_id, model_id, module_id, base_version_id, digest, importance, sample_count)
                VALUES (1, 1, 2, 2, sha256('trained'), 1, 10), (2, 1, 2, 2, sha256('trained'), 1, 10);
            COMMIT;
            """
        ),
        (
            .trainer,
            """
            BEGIN;
            SET LOCAL eclm.actor = 'trainer-1';
            SELECT 1 FROM eclm.updates WHERE status = 'pending' FOR UPDATE SKIP LOCKED;
            SELECT 1 FROM eclm.models WHERE model_id = 1 FOR UPDATE;
            INSERT INTO eclm.rounds (model_id, number, base_release_id, rule, trainer, started_at)
                VALUES (1, 1, 1, 'weighted_mean', 'trainer-1', now());
            \(blob("mean", 5));
            INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                flops, peak_memory, origin, round_id)
                VALUES (1, 2, 2, sha256('mean'), 'F32', '[]', 4, 1, 1, 1, 'round', 1);
            INSERT INTO eclm.requirements (module_version_id) VALUES (4);
            INSERT INTO eclm.costs (module_version_id, device_class_id, memory, flops) VALUES (4, 1, 1, 1);
            INSERT INTO eclm.lineage (module_version_id, parent_version_id, update_id, weight)
                VALUES (4, 2, NULL, 1), (4, NULL, 1, 1);
            INSERT INTO eclm.optimizer_states (module_version_id, optimizer, step, digest, bytes)
                VALUES (4, 'fedavgm', 1, sha256('mean'), 4);
            INSERT INTO eclm.round_updates (update_id, model_id, round_id) VALUES (1, 1, 1);
            UPDATE eclm.updates SET status = 'aggregated', decided_at = now() WHERE update_id = 1;
            UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'not finite', decided_at = now()
                WHERE update_id = 2;
            INSERT INTO eclm.releases (model_id, number, parent_release_id, origin, round_id) VALUES (1, 2, 1, 'round', 1);
            INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                VALUES (2, 1, 1, 1, 1), (2, 1, 2, 4, 1), (2, 1, 3, 3, 1);
            UPDATE eclm.channels SET release_id = 2, action = 'round' WHERE channel_id = 1;
            COMMIT;
            """
        ),
        (
            .operator,
            """
            BEGIN;
            SET LOCAL eclm.reason = 'accuracy fell';
            SELECT 1 FROM eclm.models WHERE model_id = 1 FOR UPDATE;
            INSERT INTO eclm.releases (model_id, number, parent_release_id, origin) VALUES (1, 3, 2, 'rollback');
            INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                SELECT 3, model_id, module_id, module_version_id, importance FROM eclm.release_modules
                WHERE release_id = 1;
            INSERT INTO eclm.withdrawals (release_id, rollback_id) VALUES (2, 3);
            UPDATE eclm.channels SET release_id = 3, action = 'rollback' WHERE channel_id = 1;
            COMMIT;
            UPDATE eclm.updates SET status = 'pending', quarantine_reason = NULL, decided_at = NULL WHERE update_id = 2;
            INSERT INTO eclm.policies (model_id, rule, parameters, minimum_updates, maximum_updates, maximum_wait)
                VALUES (1, 'trimmed_mean', '{"fraction": 0.2}', 5, 100, 600);
            INSERT INTO eclm.round_requests (model_id) VALUES (1);
            INSERT INTO eclm.canaries (model_id, channel_id, candidate_release_id, control_release_id, share, metric,
                lower_bound, upper_bound, margin, alpha, beta, minimum_observations, candidate_block, control_block, deadline)
                VALUES (1, 1, 1, 3, 0.999999999, 'accuracy', 0, 1, 0.1, 0.01, 0.01, 1, 1, 1, now() + interval '1 day');
            """
        ),
        (.device, "SELECT eclm.observe_canaries('phone', 1, 1, '{\"accuracy\": 0.5}');"),
        (
            .trainer,
            """
            UPDATE eclm.canary_observations SET block = 1;
            UPDATE eclm.canaries SET blocks = 1, candidate_count = 1, candidate_mean = 0.5, promote_wealth = '{1}',
                rollback_wealth = '{1}';
            UPDATE eclm.canaries SET state = 'rolled_back', decided_at = now(), decided_by = 'trainer-1',
                decision = 'worse';
            """
        ),
    ]

    /// A statement that stores `text` as the blob with the storage id `number`.
    static func blob(_ text: String, _ number: Int) -> String {
        """
        INSERT INTO eclm.blob_chunks SELECT nextval('eclm.blob_storage_ids'), 0, '\(text)';
        INSERT INTO eclm.blobs (digest, size, storage_id)
            SELECT sha256('\(text)'), length('\(text)'), currval('eclm.blob_storage_ids')
        """
    }

    /// Tells the story; each step by its own login.
    static func tell(in database: TestDatabase) async throws {
        for step in steps {
            try await database.withConnection(as: step.role) { try await $0.execute(script: step.script) }
        }
    }
}
