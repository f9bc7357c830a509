import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

/// Several trainers that are killed at random while devices submit, and the proof in SQL that nothing was lost or counted
/// twice. The same seed kills after the same pauses; where that hits a round depends on the machine.
@Suite("Trainers killed at random")
struct CrashTests {
    private static let seed: UInt64 = 20_261_123
    private static let trainers = 3
    private static let devices = 4
    private static let updatesEach = 84
    private static let kills = 24
    /// Requests for rounds, made while trainers are killed.
    private static let requests = 24

    /// What the rounds follow.
    enum Policy: String, Sendable, CaseIterable {
        case standard
        /// Noise from a seed, and a ledger of what each device gave away.
        case privacy
        /// A server optimizer, whose state goes from version to version.
        case optimizer

        var change: PolicyChange? {
            switch self {
            case .standard: nil
            case .privacy:
                PolicyChange(
                    rule: "private_mean", parameters: ["noise_multiplier": 1, "clip_norm": 0.5, "delta": 1e-6],
                    minimumUpdates: 2, maximumUpdates: 6, maximumWait: 1)
            case .optimizer:
                PolicyChange(
                    rule: "importance_mean", parameters: ["staleness": 0.5], minimumUpdates: 2, maximumUpdates: 6,
                    maximumWait: 1, optimizer: "fedadam")
            }
        }
    }

    /// One trainer after the other in one place.
    private func trainer(_ number: Int, of database: TestDatabase) throws -> Program {
        let program = Program(
            "trainerd",
            [
                "--name", "trainer-\(number)", "--minimum-updates", "2", "--maximum-updates", "6", "--maximum-wait",
                "1",
                "--poll-interval", "1", "--log-level", "critical",
            ],
            environment: [
                "ECLM_DATABASE": database.connectionString(as: .trainer) + " application_name='trainer-\(number)'"
            ])
        try program.start()
        return program
    }

    /// Whether a trainer has begun a round, or reads for one.
    private func isBusy(_ number: Int, _ database: TestDatabase) async throws -> Bool {
        try await !database.pool.query(
            """
            SELECT FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
                AND application_name = \("trainer-\(number)")
            """
        ).isEmpty
    }

    /// Full weights, differences and now and then an update that must be quarantined.
    private func submit(_ device: Int, to model: ModelFixture) async throws {
        var random = SplitMix64(seed: Self.seed &+ UInt64(device))
        let modules = model.manifest.modules.map(\.name).filter { $0 != "selector0" }
        let first = try await model.versions(release: .number(1))
        let encodings = UpdateEncoding.allCases
        for update in 0..<Self.updatesEach {
            var trained: [ModelFixture.Trained] = []
            for module in modules.shuffled(using: &random).prefix(4) {
                let encoding = encodings[Int.random(in: 0..<encodings.count, using: &random)]
                var file = try model.weights(of: module, seed: random.next())
                if encoding != .full, let version = first[module] {
                    var residual: UpdateResidual?
                    file = try UpdateEncoder.encode(
                        trained: file, base: await model.bytes(version.digest), as: encoding, fraction: 0.3,
                        residual: &residual)
                }
                trained.append(
                    .init(
                        module, importance: .random(in: 0...1, using: &random),
                        samples: .random(in: 1...50, using: &random),
                        bytes: file, encoding: encoding))
            }
            if update % 12 == 5 {
                var builder = SafetensorsBuilder()
                try builder.add("weight", shape: [4, 4], floats: [Float](repeating: .infinity, count: 16))
                try await model.insertUnchecked(
                    [.init("stem0", bytes: try builder.build())], from: "device-\(device)")
            } else {
                try await model.submit(trained, from: "device-\(device)", key: "\(update)")
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
        }
    }

    /// Asks for rounds now and then, as `registryctl rounds run` does.
    ///
    /// - Returns: How many requests were taken: none is where nothing waits.
    private func ask(_ database: TestDatabase) async throws -> Int {
        var random = SplitMix64(seed: Self.seed &- 1)
        var taken = 0
        for _ in 0..<Self.requests {
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...500, using: &random)))
            let asked = try await database.registryctl("rounds", "run", "mlp")
            #expect([0, 4].contains(asked.status), "\(asked.errors)")
            if asked.status == 0 { taken += 1 }
        }
        return taken
    }

    /// Kills one of the trainers after each random pause, and starts another in its place. Every second one is killed some
    /// milliseconds into a transaction, where it begins one in time.
    private func kill(_ database: TestDatabase) async throws -> [Program] {
        var random = SplitMix64(seed: Self.seed)
        var inTransaction = 0
        var running = try (0..<Self.trainers).map { try trainer($0, of: database) }
        for number in 0..<Self.kills {
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...700, using: &random)))
            let victim = Int.random(in: 0..<Self.trainers, using: &random)
            let instant = Int.random(in: 0...40, using: &random)
            if number % 2 == 0 {
                let end = ContinuousClock.now + .seconds(1)
                while ContinuousClock.now < end, try await !isBusy(victim, database) {
                    try await Task.sleep(for: .milliseconds(1))
                }
                try await Task.sleep(for: .milliseconds(instant))
            }
            if try await isBusy(victim, database) { inTransaction += 1 }
            running[victim].send(SIGKILL)
            let ended = try await running[victim].finish()
            #expect(ended.status == SIGKILL)
            running[victim] = try trainer(victim, of: database)
        }
        #expect(inTransaction >= Self.kills / 6, "too few were killed in a transaction to prove anything")
        return running
    }

    @Test(
        "count every update once or say why not, answer every request once, make what their inputs give, leave no gap",
        arguments: Policy.allCases)
    func crashes(policy: Policy) async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database, width: 256)
            if let change = policy.change {
                _ = try await model.registry.setPolicy(
                    of: model.name, change, as: Provenance(actor: "operator", reason: "test"))
            }
            let (running, requests) = try await withThrowingTaskGroup(of: (programs: [Program], requests: Int).self) {
                group in
                group.addTask { (try await kill(database), 0) }
                group.addTask { ([], try await ask(database)) }
                for device in 0..<Self.devices {
                    group.addTask {
                        try await submit(device, to: model)
                        return ([], 0)
                    }
                }
                var running: [Program] = []
                var requests = 0
                for try await ended in group {
                    running += ended.programs
                    requests += ended.requests
                }
                return (running, requests)
            }
            // The last ones are killed as well; what they held is free when the server has noticed.
            for program in running {
                program.send(SIGKILL)
                _ = try await program.finish()
            }
            #expect(requests > 0)
            for _ in 0..<50 where try await isOpen(database) {
                let drain = try await Program(
                    "trainerd", ["--once"], environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)]
                ).finish()
                #expect(drain.status == 0, "\(drain.errors)")
            }

            try await database.withPool(as: .reader) { pool in
                let sums = try await pool.query(
                    """
                    SELECT count(*) AS updates, count(problem) AS problems,
                        count(*) FILTER (WHERE status = 'aggregated' AND rounds = 1) AS counted,
                        count(*) FILTER (WHERE status = 'pending') AS pending,
                        count(*) FILTER (WHERE status = 'quarantined' AND quarantine_reason LIKE '%stem0%') AS quarantined
                    FROM eclm.update_accounting
                    """
                ).one()
                let bad = Int64(Self.devices * Self.updatesEach / 12)
                #expect(try sums.decode("updates", as: Int64.self) == Int64(Self.devices * Self.updatesEach))
                #expect(try sums.decode("problems", as: Int64.self) == 0)
                #expect(try sums.decode("pending", as: Int64.self) == 0)
                #expect(try sums.decode("quarantined", as: Int64.self) == bad)
                #expect(
                    try sums.decode("counted", as: Int64.self) == Int64(Self.devices * Self.updatesEach) - bad)
                #expect(try await pool.query("SELECT FROM eclm.lineage_problems").isEmpty)
                #expect(try await pool.query("SELECT FROM eclm.audit_breaks()").isEmpty)
                #expect(try await pool.query("SELECT FROM eclm.privacy_problems").isEmpty)
                let charged = try await pool.query("SELECT sum(rounds)::bigint AS n FROM eclm.privacy_ledger").one()
                    .decode("n", as: Int64?.self)
                #expect(charged == (policy == .privacy ? Int64(Self.devices * Self.updatesEach) - bad : nil))
                try await expectAnswered(requests, pool)
                try await expectRemembered(policy, pool)
                let rounds = try await pool.query(
                    "SELECT count(*) AS rounds, count(DISTINCT trainer) AS trainers, max(number) AS newest FROM eclm.rounds"
                ).one()
                #expect(try rounds.decode("trainers", as: Int64.self) >= 2)
                // Numbers have no gap: a killed round leaves no trace.
                #expect(
                    try rounds.decode("rounds", as: Int64.self) == Int64(rounds.decode("newest", as: Int32.self)))
            }
            struct Replay: Decodable { var rounds: Int, modules: Int, equal: Bool }
            let result = try await database.registryctl("rounds", "replay", "mlp", "--all", "--output", "json")
            #expect(result.status == 0, "\(result.errors)")
            let replay: Replay = try result.json()
            #expect(replay.equal && replay.rounds >= 20 && replay.modules >= replay.rounds)
        }
    }

    /// Whether an update or a request waits.
    private func isOpen(_ database: TestDatabase) async throws -> Bool {
        try await !database.pool.query(
            """
            SELECT FROM eclm.updates WHERE status = 'pending'
            UNION ALL SELECT FROM eclm.round_requests WHERE answered_at IS NULL
            """
        ).isEmpty
    }

    /// Every request has one answer: a round that was made after it was asked for, or why there is none.
    private func expectAnswered(_ requests: Int, _ pool: PostgresPool) async throws {
        let answers = try await pool.query(
            """
            SELECT count(*) AS requests, count(q.answer) AS answers, count(q.round_id) AS rounds,
                count(*) FILTER (WHERE q.round_id IS NULL) AS reasons,
                count(*) FILTER (WHERE r.committed_at < q.requested_at OR r.round_id IS NOT NULL AND q.answer
                    <> format('round %s of %s update%s', r.number, u.n, CASE WHEN u.n = 1 THEN '' ELSE 's' END)) AS wrong
            FROM eclm.round_requests q
            LEFT JOIN eclm.rounds r USING (round_id)
            LEFT JOIN LATERAL (SELECT count(*) AS n FROM eclm.round_updates ru WHERE ru.round_id = q.round_id) u ON true
            """
        ).one()
        #expect(try answers.decode("requests", as: Int.self) == requests)
        #expect(try answers.decode("answers", as: Int.self) == requests)
        #expect(try answers.decode("rounds", as: Int.self) > 0)
        #expect(try answers.decode("wrong", as: Int.self) == 0)
    }

    /// What the optimizer remembers goes on from the very version that each version was built on, without a gap.
    private func expectRemembered(_ policy: Policy, _ pool: PostgresPool) async throws {
        let sums = try await pool.query(
            """
            SELECT count(*) AS versions, count(s.step) AS states,
                count(*) FILTER (WHERE s.previous_version_id IS DISTINCT FROM p.module_version_id
                    OR s.step <> coalesce(p.step, 0) + 1) AS broken
            FROM eclm.module_versions v
            JOIN eclm.lineage l ON l.module_version_id = v.module_version_id AND l.parent_version_id IS NOT NULL
            LEFT JOIN eclm.optimizer_states s ON s.module_version_id = v.module_version_id
            LEFT JOIN eclm.optimizer_states p ON p.module_version_id = l.parent_version_id
            WHERE v.origin = 'round'
            """
        ).one()
        let versions = try sums.decode("versions", as: Int.self)
        #expect(try sums.decode("states", as: Int.self) == (policy == .optimizer ? versions : 0) && versions > 20)
        if policy == .optimizer { #expect(try sums.decode("broken", as: Int.self) == 0) }
    }
}
