import PostgreSQL
import TestSupport
import Testing

/// A place in a round's transaction, as a statement on a table.
struct Place: Sendable, CustomTestStringConvertible {
    var table: String
    var event = "INSERT"
    /// At the transaction's commit instead of at the statement.
    var atCommit = false

    var testDescription: String { atCommit ? "commit" : "\(event) on \(table)" }

    /// Where a round can be hit, in the order in which it gets there.
    static let all: [Place] = [
        Place(table: "blob_chunks"), Place(table: "blobs"), Place(table: "rounds"), Place(table: "module_versions"),
        Place(table: "lineage"), Place(table: "releases"), Place(table: "channels", event: "UPDATE"),
        Place(table: "round_updates"), Place(table: "updates", event: "UPDATE"),
        Place(table: "round_updates", atCommit: true),
    ]
}

extension TestDatabase {
    /// Makes the server end the connection of the first transaction that comes to `place`, and of none after it.
    func killOnce(at place: Place) async throws {
        try await install(
            at: place,
            body: "IF nextval('public.hits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;")
    }

    /// Makes the first transaction that comes to `place` wait until the gate opens.
    func stopOnce(at place: Place) async throws {
        try await install(
            at: place,
            body: "IF nextval('public.hits') = 1 THEN PERFORM pg_advisory_xact_lock(\(Self.gate)); END IF;")
    }

    private static let gate = 4711

    /// Holds the gate closed while `body` runs; the one that waits there goes on afterwards.
    func withGateClosed(_ body: () async throws -> Void) async throws {
        try await withConnection { connection in
            try await connection.query("SELECT pg_advisory_lock(\(Int64(Self.gate)))")
            try await body()
            try await connection.query("SELECT pg_advisory_unlock(\(Int64(Self.gate)))")
        }
    }

    /// Whether somebody waits at the gate.
    func somebodyWaits() async throws -> Bool {
        // The view shows all databases of the cluster, and so other tests' gates as well.
        try await !pool.query(
            """
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        ).isEmpty
    }

    private func install(at place: Place, body: String) async throws {
        try await withConnection { connection in
            try await connection.execute(
                script: """
                    CREATE SEQUENCE public.hits;
                    CREATE FUNCTION public.interfere() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                    BEGIN
                        \(body)
                        RETURN \(place.atCommit ? "NULL" : "NEW");
                    END $$;
                    """)
            let timing =
                place.atCommit
                ? "CREATE CONSTRAINT TRIGGER interfere AFTER \(place.event) ON eclm.\(place.table) DEFERRABLE INITIALLY DEFERRED"
                : "CREATE TRIGGER interfere BEFORE \(place.event) ON eclm.\(place.table)"
            try await connection.execute(script: "\(timing) FOR EACH ROW EXECUTE FUNCTION public.interfere()")
        }
    }
}
