import CommandSupport
import Composition
import ECLMCore
import Foundation
import PostgreSQL
import Registry
import RegistryPrograms

/// The checks of `doctor`, from the bottom up: what a check needs was checked before it.
struct Diagnosis {
    let session: RegistrySession
    let sample: Int
    let migrator: Migrator

    private static let oldestServer = 150_000

    func run() async -> [Finding] {
        var findings = [library()]
        let server = await check("server", server)
        findings.append(server)
        guard server.state != .fail else {
            let rest = ["clock", "disk", "schema", "roles", "catalogue", "rounds", "audit", "blobs"]
            return findings + rest.map { .skipped($0, "needs a server") }
        }
        findings.append(await check("clock", clock))
        findings.append(await check("disk", disk))
        let schema = await check("schema", schema)
        findings.append(schema)
        guard schema.state != .fail else {
            let rest = ["roles", "catalogue", "rounds", "audit", "blobs"]
            return findings + rest.map { .skipped($0, "needs a current schema") }
        }
        findings.append(await check("roles", roles))
        findings.append(await check("catalogue", catalogue))
        findings.append(await check("rounds", rounds))
        findings.append(await check("audit", audit))
        findings.append(await check("blobs", blobs))
        return findings
    }

    /// A check that throws has failed with what it threw.
    private func check(_ name: String, _ body: () async throws -> Finding) async -> Finding {
        do {
            return try await body()
        } catch {
            let error = RegistryError(wrapping: error)
            return .fail(name, error.message, error.failureHint ?? "see the finding")
        }
    }

    private func library() -> Finding {
        let version = ClientLibrary.version
        let text = "libpq \(ClientLibrary.text(version))"
        // Pipeline mode came with 14.
        return version >= 140_000
            ? .ok("libpq", text) : .fail("libpq", "\(text) is too old", "install libpq 14 or newer")
    }

    private func server() async throws -> Finding {
        let row = try await session.pool.query(
            """
            SELECT current_setting('server_version_num')::integer AS version, pg_is_in_recovery() AS replica,
                current_database()::text AS database, session_user::text AS login
            """
        ).one()
        let version = Int(try row.decode("version", as: Int32.self))
        let text =
            "PostgreSQL \(ClientLibrary.text(version)), database \(try row.decode("database", as: String.self)) "
            + "as \(try row.decode("login", as: String.self))"
        guard version >= Self.oldestServer else {
            return .fail("server", text, "the schema needs PostgreSQL 15 or newer; upgrade the server")
        }
        if let unfitness = try await session.pool.withConnection({ try await Migrator.unfitness(of: $0) }) {
            return .fail("server", text, unfitness)
        }
        if try row.decode("replica", as: Bool.self) {
            return .warn("server", text + ", a replica", "changes need the primary; name it in --database")
        }
        return .ok("server", text)
    }

    private func clock() async throws -> Finding {
        let before = Timestamp.now
        let row = try await session.pool.query(
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now"
        ).one()
        let after = Timestamp.now
        let server: Int64 = try row.decode("now")
        // The server's clock was read some time between the two.
        let offset = max(0, max(before.microseconds - server, server - after.microseconds))
        let text = "\(Quantity.decimal(Double(offset) / 1e6, places: 3)) s apart from the server's"
        if offset < 2_000_000 { return .ok("clock", text) }
        let advice = "set both clocks by NTP: times in the audit are the server's, those in logs this machine's"
        return offset < 60_000_000 ? .warn("clock", text, advice) : .fail("clock", text, advice)
    }

    private func disk() async throws -> Finding {
        let size: Int64 = try await session.pool.query(
            "SELECT pg_database_size(current_database()) AS size"
        ).one().decode("size")
        var text = "the database has \(ByteSize(size))"
        // The setting is for superusers and monitors, and the path means something only on the server's machine.
        let isLocal = try await session.pool.query("SELECT inet_server_addr() IS NULL AS local").one()
            .decode("local", as: Bool.self)
        let place =
            isLocal
            ? try? await session.pool.query("SELECT current_setting('data_directory') AS place").one()
                .decode("place", as: String.self) : nil
        guard let place, let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place),
            let free = (attributes[.systemFreeSize] as? NSNumber)?.int64Value
        else { return .ok("disk", text + "; the server's disk cannot be seen from here") }
        text += ", its disk \(ByteSize(free)) free"
        let advice = "make room: at a full disk every upload, update and round fails"
        if free < 256 << 20 { return .fail("disk", text, advice) }
        return free < max(2 << 30, size / 10) ? .warn("disk", text, advice) : .ok("disk", text)
    }

    private func schema() async throws -> Finding {
        let status = try await session.pool.withConnection { try await migrator.status(on: $0) }
        guard let next = status.first(where: { $0.applied == nil }) else {
            return .ok("schema", "current, \(status.count) migrations")
        }
        let pending = status.count { $0.applied == nil }
        return .fail("schema", "\(pending) migrations pending from \(next.file) on", "run `registryctl migrate`")
    }

    private func roles() async throws -> Finding {
        let wanted = ["eclm_reader", "eclm_device", "eclm_publisher", "eclm_trainer", "eclm_operator"]
        let rows = try await session.pool.query(
            """
            SELECT r.name, to_regrole(r.name) IS NOT NULL AS there,
                to_regrole(r.name) IS NOT NULL AND pg_has_role(to_regrole(r.name), 'USAGE') AS mine
            FROM unnest(\(wanted)) AS r (name)
            """)
        var missing: [String] = []
        var mine: [String] = []
        for row in rows {
            let name: String = try row.decode("name")
            if try !row.decode("there", as: Bool.self) { missing.append(name) }
            if try row.decode("mine", as: Bool.self) { mine.append(name) }
        }
        guard missing.isEmpty else {
            return .fail(
                "roles", "missing: \(missing.joined(separator: ", "))",
                "roles belong to the server: create them (CREATE ROLE ... NOLOGIN) and grant as migrations/ does")
        }
        guard !mine.isEmpty else {
            return .warn("roles", "this login is a member of none", "grant it the eclm_ role that its work needs")
        }
        return .ok(
            "roles",
            mine.count == wanted.count
                ? "all there, this login has all"
                : "this login has "
                    + mine.joined(separator: ", "))
    }

    private func catalogue() async throws -> Finding {
        let start = ContinuousClock.now
        let catalogue = try await Catalogue.load(registry: session.registry, logger: session.logger)
        let time = ContinuousClock.now - start
        let snapshot = catalogue.snapshot
        let channels = snapshot.models.values.reduce(0) { $0 + $1.channels.count }
        let text =
            "\(snapshot.models.count) models, \(channels) channels, \(snapshot.deviceClasses.count) device classes "
            + "in \(Quantity.decimal(time / .seconds(1), places: 2)) s"
        if let empty = snapshot.models.filter({ $0.value.channels.isEmpty }).keys.min() {
            return .warn("catalogue", text, "model \(empty) has no channel; devices cannot get it until one is made")
        }
        return .ok("catalogue", text)
    }

    private func rounds() async throws -> Finding {
        let obstacles = try await session.registry.roundObstacles()
        guard let first = obstacles.first else { return .ok("rounds", "nothing keeps one from being made") }
        let more = obstacles.count == 1 ? "" : " and \(obstacles.count - 1) more"
        return .fail(
            "rounds", "updates of \(first.model)\(more) wait: \(first.text)",
            "no update left the queue; mend it, and trainerd goes on by itself")
    }

    private func audit() async throws -> Finding {
        let breaks = try await session.pool.query(
            """
            SELECT a.sequence, s.sequence AS head, a.hash = s.hash AS matches, w.count AS waiting, w.oldest
            FROM (SELECT count(*), extract(epoch FROM clock_timestamp() - min(at))::float8 AS oldest
                FROM eclm.audit_waiting) w
            LEFT JOIN eclm.audit_seals s ON s.sequence = (SELECT max(sequence) FROM eclm.audit_seals)
            LEFT JOIN eclm.audit a ON a.sequence = (SELECT max(sequence) FROM eclm.audit)
            """
        ).one()
        guard let head = try breaks.decode("head", as: Int64?.self) else {
            return .fail(
                "audit", "nothing says where the chain ends",
                "somebody changed the audit: run `registryctl audit verify`")
        }
        let last = try breaks.decode("sequence", as: Int64?.self) ?? 0
        let matches = try breaks.decode("matches", as: Bool?.self) ?? (head == 0)
        guard last == head, matches else {
            return .fail(
                "audit", "the chain ends at row \(last), its newest seal says \(head)",
                "somebody changed the audit: run `registryctl audit verify`")
        }
        let waiting: Int64 = try breaks.decode("waiting")
        if let oldest = try breaks.decode("oldest", as: Double?.self), oldest > 60 {
            return .warn(
                "audit", "\(head) rows, and \(waiting) changes wait for the chain, the oldest for \(Int(oldest)) s",
                "a running registryd seals them every second, `registryctl audit verify` at once; a transaction may be open"
            )
        }
        // What is quick to compare, and matters most; audit verify compares everything.
        let differences = try await session.registry.auditDifferences(
            of: ["channel", "device_class", "policy", "cost"])
        if let first = differences.first {
            return .fail(
                "audit",
                "\(first.objectKind) \(first.object) is not as the audit tells: \(first.problem)"
                    + (differences.count > 1 ? "; \(differences.count - 1) more rows differ" : ""),
                "somebody changed the tables past the registry: run `registryctl audit verify`")
        }
        return .ok("audit", "\(head) rows; `registryctl audit verify` proves them")
    }

    private func blobs() async throws -> Finding {
        let total: Int64 = try await session.pool.query("SELECT count(*) AS blobs FROM eclm.blobs").one().decode(
            "blobs")
        let rows = try await session.pool.query(
            "SELECT digest FROM eclm.blobs ORDER BY random() LIMIT \(sample)")
        var bytes: Int64 = 0
        for row in rows {
            let digest = try row.digest("digest")
            switch await size(ofVerified: digest) {
            case .success(let size): bytes += size
            case .failure(let error) where error.code == .dataLoss:
                return .fail(
                    "blobs", error.message, "restore the blob; devices refuse it, since they verify digests too")
            case .failure(let error): throw error
            }
        }
        return .ok("blobs", "\(rows.count) of \(total) verified, \(ByteSize(bytes))")
    }

    private func size(ofVerified digest: Digest) async -> Result<Int64, RegistryError> {
        var size: Int64 = 0
        do throws(RegistryError) {
            for try await chunk in session.blobs.chunks(of: digest) { size += Int64(chunk.count) }
            return .success(size)
        } catch {
            return .failure(error)
        }
    }
}
