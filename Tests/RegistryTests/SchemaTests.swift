import PostgreSQL
import TestSupport
import Testing

@Suite("The schema's invariants")
struct SchemaTests {
    /// What the error of a statement, or of the commit after it, says.
    func sqlState(_ script: String, as role: TestRole = .superuser, in database: TestDatabase) async throws -> String? {
        try await database.withConnection(as: role) { connection in
            do {
                try await connection.execute(script: "BEGIN; \(script); COMMIT")
                return nil
            } catch let error as PostgresError {
                return error.sqlState
            }
        }
    }

    @Test("Each role can do its work, from publication to rollback, and the audit has all of it")
    func story() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            let audit = try await database.pool.query("SELECT actor, action FROM eclm.audit ORDER BY sequence")
                .map {
                    (actor: try $0.decode("actor", as: String.self), action: try $0.decode("action", as: String.self))
                }
            #expect(
                audit.map(\.action) == [
                    "model.insert", "release.insert", "channel.insert", "device_class.insert", "cost.insert",
                    "cost.update", "device.insert", "device.update", "round.insert", "cost.insert", "update.update",
                    "update.update",
                    "release.insert", "channel.update", "release.insert", "withdrawal.insert", "channel.update",
                    "update.update", "policy.insert", "round_request.insert", "canary.insert", "canary.update",
                    "withdrawal.insert",
                ])
            #expect(audit.first?.actor == "ada")
            #expect(audit[8].actor == "trainer-1")
            #expect(audit.last?.actor == "eclm_test_trainer")
            #expect(try await database.pool.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
            #expect(try await database.pool.query("SELECT * FROM eclm.audit_differences()").isEmpty)
            let moves = try await database.pool.query(
                "SELECT to_release, action::text, reason FROM eclm.channel_history ORDER BY revision")
            #expect(try moves.map { try $0.decode("action", as: String.self) } == ["publish", "round", "rollback"])
            #expect(try moves.map { try $0.decode("to_release", as: Int.self) } == [1, 2, 3])
            #expect(try moves.last?.decode("reason", as: String.self) == "accuracy fell")
            #expect(
                try await database.pool.query("SELECT detail::text AS detail FROM eclm.audit").allSatisfy {
                    try !$0.decode("detail", as: String.self).contains("token_digest")
                })
        }
    }

    /// Every table, and the columns that may change; `nil` where rows may also be deleted.
    static let mutable: [String: [String]?] = [
        "audit": [], "audit_lock": [], "audit_pending": [], "audit_seals": [], "audit_waiting": [],
        "blobs": ["wanted_at"], "blob_chunks": [],
        "blob_uploads": nil, "policy_methods": nil, "policy_parameters": nil, "update_encodings": nil,
        "incarnations": [], "number_jumps": [], "round_obstacles": nil,
        "canaries": [
            "blocks", "candidate_count", "candidate_mean", "candidate_m2", "control_count", "control_mean",
            "control_m2",
            "promote_wealth", "rollback_wealth", "state", "decided_at", "decided_by", "decision", "evidence",
        ], "canary_observations": ["block"],
        "channel_moves": [], "channels": ["release_id", "action", "revision"], "compositions": nil,
        "costs": [
            "module_version_id", "device_class_id", "memory", "flops", "latency_us", "measured_at", "measured_by",
        ],
        "device_classes": [
            "name", "memory", "flops", "dtypes", "operators", "runtime", "created_at", "updated_at",
        ],
        "devices": ["device_id", "device_class_id", "attributes", "token_digest", "registered_at"], "lineage": [],
        "hand_overs": ["state", "parent_update_id", "reason", "attempts", "changed_at"],
        "mirrored_releases": [], "partials": [], "partial_aggregates": [],
        "models": [], "optimizer_states": [], "policies": [],
        "module_layers": [], "module_versions": [], "modules": [], "privacy_ledger": ["rounds", "rho"],
        "recomputations": [], "recomputed_versions": [],
        "release_modules": [], "releases": [],
        "requirements": [], "round_requests": ["answered_at", "answer", "round_id"],
        "round_privacy": [], "round_seeds": [], "round_updates": [], "rounds": [], "update_modules": [],
        "updates": ["status", "quarantine_reason", "decided_at"], "withdrawals": ["reinstated_by", "reinstated_at"],
    ]

    /// Changes of tables whose triggers let a row be written as it was.
    static let changes = [
        "channels SET model_id = 99", "channels SET name = 'other'", "channels SET model_id = NULL",
        "withdrawals SET release_id = 1", "withdrawals SET module_version_id = 1", "withdrawals SET rollback_id = 1",
        "withdrawals SET reason = 'other'", "withdrawals SET withdrawn_by = 'other'",
        "withdrawals SET withdrawn_at = now()", "withdrawals SET canary_id = 1, rollback_id = NULL",
        "canary_observations SET value = 1", "canary_observations SET device_id = 'other'",
        "canary_observations SET block = 2", "canary_observations SET block = NULL", "updates SET device_id = 'other'",
        "updates SET model_id = 2",
        "updates SET base_release_id = 2", "updates SET idempotency_key = 'other'",
        "updates SET content_digest = sha256('other')", "updates SET sample_count = sample_count + 1",
        "updates SET metrics = '{\"accuracy\": 1}'", "updates SET submitted_at = now()",
        "privacy_ledger SET rounds = rounds", "privacy_ledger SET rho = rho",
        "privacy_ledger SET rounds = rounds + 1, rho = rho / 2", "privacy_ledger SET rounds = rounds + 2",
        "hand_overs SET state = 'empty'",
    ]

    @Test("Nothing that was published, released, decided or audited can be overwritten or deleted, even by the owner")
    func immutability() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await SchemaStory.leaveOut(in: database)
            try await SchemaStory.keepPrivate(in: database)
            try await SchemaStory.handOver(in: database)
            try await database.pool.query("SELECT eclm.begin_incarnation('restored')")
            // Left waiting for the audit's chain.
            try await database.pool.transaction(isolation: .repeatableRead) { connection in
                _ = try await connection.query("INSERT INTO eclm.models (name) VALUES ('waits')")
            }
            let columns = try await database.pool.query(
                """
                SELECT c.relname::text AS table, a.attname::text AS column, a.attidentity <> '' AS identity
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'eclm'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attgenerated = ''
                """
            ).map {
                (
                    table: try $0.decode("table", as: String.self), column: try $0.decode("column", as: String.self),
                    identity: try $0.decode("identity", as: Bool.self)
                )
            }
            #expect(Set(columns.map(\.table)) == Set(Self.mutable.keys), "a new table needs a line in this test")
            try await database.withConnection { connection in
                func refused(_ statement: String, _ states: Set<String>) async {
                    let error = await #expect(throws: PostgresError.self, "\(statement)") {
                        try await connection.query(SQL(raw: statement))
                    }
                    #expect(error?.sqlState.map(states.contains) == true, "\(statement): \(String(describing: error))")
                }
                for (table, column, identity) in columns {
                    guard case .some(.some(let mutable)) = Self.mutable[table], !mutable.contains(column) else {
                        continue
                    }
                    guard !["channels", "withdrawals", "updates"].contains(table), !identity else {
                        continue
                    }
                    await refused("UPDATE eclm.\(table) SET \(column) = \(column)", ["EC001"])
                }
                for change in Self.changes { await refused("UPDATE eclm.\(change)", ["EC001"]) }
                for (table, mutable) in Self.mutable where mutable != nil {
                    await refused("DELETE FROM eclm.\(table)", table == "blobs" ? ["23503"] : ["EC001"])
                    await refused("TRUNCATE eclm.\(table) CASCADE", ["EC001"])
                }
            }
        }
    }

    @Test("An incomplete release is refused at commit", arguments: ["(4, 1, 1, 1, 1), (4, 1, 2, 2, 1)", ""])
    func incompleteRelease(modules: String) async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            let join =
                "INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance) VALUES"
            let state = try await sqlState(
                """
                INSERT INTO eclm.releases (model_id, number, origin) VALUES (1, 4, 'publish');
                \(modules.isEmpty ? "" : "\(join) \(modules)")
                """, as: .publisher, in: database)
            #expect(state == "EC002")
            #expect(try await database.pool.query("SELECT FROM eclm.releases").count == 3)
        }
    }

    @Test("A layer without a module makes a release incomplete")
    func emptyLayer() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            let state = try await sqlState(
                """
                INSERT INTO eclm.module_layers (model_id, layer, name, block) VALUES (1, 1, 'next', 'feed_forward');
                INSERT INTO eclm.releases (model_id, number, origin) VALUES (1, 4, 'publish');
                INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                    VALUES (4, 1, 1, 1, 1), (4, 1, 2, 2, 1), (4, 1, 3, 3, 1)
                """, as: .publisher, in: database)
            #expect(state == "EC002")
        }
    }

    @Test("No module can join a release after its transaction, whatever the release was told")
    func closedRelease() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            let module = """
                INSERT INTO eclm.modules (model_id, kind, layer, index, name) VALUES (1, 'expert', 0, 2, 'l0.m02');
                INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                    flops, peak_memory, origin) VALUES (1, 4, 1, sha256('one'), 'F32', '[]', 3, 1, 1, 1, 'publish')
                """
            #expect(try await sqlState(module, as: .publisher, in: database) == nil)
            let join = """
                INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                    VALUES (1, 1, 4, 5, 1)
                """
            #expect(try await sqlState(join, as: .publisher, in: database) == "EC001")
            let (stamped, truthful): (Bool, Bool) = try await database.withConnection { connection in
                try await connection.transaction { connection in
                    let row = try await connection.query(
                        """
                        INSERT INTO eclm.releases (model_id, number, origin, created_in) VALUES (1, 4, 'publish', '9999999')
                        RETURNING created_in = pg_current_xact_id() AS now, created_in <> '9999999' AS truthful
                        """
                    ).one()
                    let result: (Bool, Bool) = (try row.decode("now"), try row.decode("truthful"))
                    _ = try await connection.query(
                        """
                        INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                        VALUES (4, 1, 1, 1, 1), (4, 1, 2, 2, 1), (4, 1, 3, 3, 1), (4, 1, 4, 5, 1)
                        """)
                    return result
                }
            }
            #expect(stamped && truthful)
        }
    }

    @Test(
        "Rows that contradict each other are refused",
        arguments: [
            // An update counted twice, one counted without being aggregated, and the other way round.
            ("INSERT INTO eclm.round_updates (update_id, model_id, round_id) VALUES (1, 1, 1)", "23505"),
            ("INSERT INTO eclm.round_updates (update_id, model_id, round_id) VALUES (2, 1, 1)", "EC002"),
            ("UPDATE eclm.updates SET status = 'aggregated', decided_at = now() WHERE update_id = 2", "EC002"),
            ("UPDATE eclm.updates SET status = 'pending', decided_at = NULL WHERE update_id = 1", "EC001"),
            ("UPDATE eclm.updates SET status = 'quarantined', decided_at = now() WHERE update_id = 2", "23514"),
            // The same submission twice.
            (
                """
                INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest,
                    sample_count) VALUES ('phone', 1, 1, 'a', sha256('other'), 10)
                """, "23505"
            ),
            // A channel, a release's parent and an update's base of another model.
            ("INSERT INTO eclm.models (name) VALUES ('m'); UPDATE eclm.channels SET model_id = 2", "EC001"),
            (
                """
                INSERT INTO eclm.models (name) VALUES ('other');
                INSERT INTO eclm.channels (model_id, name, release_id) VALUES (currval('eclm.models_model_id_seq'), 's', 1)
                """, "23503"
            ),
            ("UPDATE eclm.channels SET release_id = 99", "23503"),
            // A version of a rollback that recomputes no round, and a version of a round that is said to.
            (
                """
                INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                    flops, peak_memory, origin) SELECT model_id, module_id, 99, digest, dtype, tensors, bytes, parameters,
                    flops, peak_memory, 'rollback' FROM eclm.module_versions WHERE module_version_id = 4
                """, "EC002"
            ),
            (
                """
                INSERT INTO eclm.recomputations (model_id, release_id, device_id, reason) VALUES (1, 3, 'phone', 'x');
                INSERT INTO eclm.recomputed_versions VALUES (4, 1, 1)
                """, "EC002"
            ),
            (
                "INSERT INTO eclm.recomputations (model_id, release_id, device_id, reason, since_round, since_time) "
                    + "VALUES (1, 3, 'phone', 'x', 1, now())", "23514"
            ),
            ("INSERT INTO eclm.recomputations (model_id, release_id, device_id) VALUES (1, 3, 'phone')", "23514"),
            // A version of one module as another's, a version whose blob is missing or of another size.
            (
                """
                INSERT INTO eclm.releases (model_id, number, origin) VALUES (1, 4, 'publish');
                INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                    VALUES (4, 1, 1, 2, 1)
                """, "23503"
            ),
            (
                """
                INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                    flops, peak_memory, origin) VALUES (1, 1, 2, sha256('none'), 'F32', '[]', 3, 1, 1, 1, 'publish')
                """, "23503"
            ),
            (
                """
                INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                    flops, peak_memory, origin) VALUES (1, 1, 2, sha256('one'), 'F32', '[]', 4, 1, 1, 1, 'publish')
                """, "23503"
            ),
            // A version number twice, an ancestor that is younger than its descendant, an importance that is none.
            (
                """
                INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters,
                    flops, peak_memory, origin) VALUES (1, 1, 1, sha256('one'), 'F32', '[]', 3, 1, 1, 1, 'publish')
                """, "23505"
            ),
            (
                "INSERT INTO eclm.lineage (module_version_id, parent_version_id, weight) VALUES (1, 2, 1)", "23514"
            ),
            (
                """
                INSERT INTO eclm.update_modules (update_id, model_id, module_id, base_version_id, digest, importance,
                    sample_count) VALUES (2, 1, 1, 1, sha256('one'), 'NaN', 1)
                """, "23514"
            ),
            // An optimizer's state that goes on from nothing, or a request answered twice.
            (
                """
                INSERT INTO eclm.optimizer_states (module_version_id, optimizer, step, digest, bytes)
                    VALUES (3, 'fedavgm', 2, sha256('mean'), 4)
                """, "23514"
            ),
            (
                """
                UPDATE eclm.round_requests SET answered_at = now(), answer = 'no';
                UPDATE eclm.round_requests SET answered_at = now(), answer = 'yes'
                """, "EC001"
            ),
            ("UPDATE eclm.round_requests SET round_id = 1", "23514"),
            // A blob that lacks bytes.
            ("INSERT INTO eclm.blobs (digest, size) VALUES (sha256('z'), 1)", "EC002"),
            // A withdrawal taken back twice, or changed.
            ("UPDATE eclm.withdrawals SET reason = 'none'", "EC001"),
            (
                """
                UPDATE eclm.withdrawals SET reinstated_by = 'a', reinstated_at = now();
                UPDATE eclm.withdrawals SET reinstated_by = 'b', reinstated_at = now()
                """, "EC001"
            ),
        ])
    func contradictions(statement: String, expected: String) async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            #expect(try await sqlState(statement, in: database) == expected)
        }
    }
}
