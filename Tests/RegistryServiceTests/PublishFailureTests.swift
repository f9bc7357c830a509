import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("A publication when the database fails")
struct PublishFailureTests {
    /// Makes the server's session end where the first publication writes to `table`.
    private func killOnce(_ server: TestServer, at table: String, commit: Bool) async throws {
        try await server.database.withConnection { connection in
            try await connection.execute(
                script: """
                    CREATE SEQUENCE public.hits;
                    CREATE FUNCTION public.interfere() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                    BEGIN
                        IF nextval('public.hits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                        RETURN NEW;
                    END $$;
                    """)
            let trigger =
                commit
                ? "CREATE CONSTRAINT TRIGGER interfere AFTER INSERT ON eclm.\(table) DEFERRABLE INITIALLY DEFERRED"
                : "CREATE TRIGGER interfere BEFORE INSERT ON eclm.\(table)"
            try await connection.execute(script: "\(trigger) FOR EACH ROW EXECUTE FUNCTION public.interfere()")
        }
    }

    @Test(
        "whose session ends in the middle has done nothing, says so, and succeeds when it is repeated",
        arguments: [("module_versions", false), ("release_modules", false), ("releases", true)])
    func lost(table: String, commit: Bool) async throws {
        try await withServer(over: .tcp) { server in
            let request = try await server.manifest(changing: ["l0.m00", "head0"], seed: 3)
            try await killOnce(server, at: table, commit: commit)
            let before = try await server.written()
            await refused(.unavailable, "database", "repeat the request") { try await server.publish(request) }
            #expect(try await server.written() == before)
            #expect(try await server.versions()["l0.m00"] == 1)
            let again = try await server.publish(request)
            #expect(again.release?.number == 2)
            #expect(again.newVersions == 2)
        }
    }

    @Test(
        "on a full disk has done nothing, says so, and succeeds when there is room",
        .enabled(if: TestDisk.isAvailable, Comment(rawValue: TestDisk.requirement)))
    func fullDisk() async throws {
        try await TestDisk.withTableSpace(megabytes: 4) { tableSpace, _ in
            try await withServer(over: .tcp) { server in
                let database = server.database
                let request = try await server.manifest(changing: ["l0.m00", "head0"], seed: 3)
                try await database.pool.query(
                    "ALTER TABLE eclm.release_modules SET TABLESPACE \(identifier: tableSpace)")
                // Everything that is left goes to a table beside it, whose owner is somebody else.
                try await database.pool.query(
                    "CREATE TABLE public.ballast (bytes bytea) TABLESPACE \(identifier: tableSpace)")
                try await database.pool.query("ALTER TABLE public.ballast ALTER COLUMN bytes SET STORAGE PLAIN")
                var size: Int64 = 7000
                while size > 0 {
                    do {
                        try await database.pool.query(
                            "INSERT INTO public.ballast SELECT decode(repeat('00', \(Int32(size))), 'hex')")
                    } catch let error as PostgresError where error.code == .diskFull {
                        size = size > 100 ? size / 2 : 0
                    }
                }
                // The page that release_modules has may still take rows: a copy of it is written to until that is full.
                let before = try await server.written()
                var published = 0
                var refusal = ""
                while refusal.isEmpty, published < 300 {
                    do {
                        var next = request
                        next.modules[0].importance = Double(published)
                        try await server.publish(next)
                        published += 1
                    } catch let error as RPCError {
                        #expect(error.status == .resourceExhausted, "\(error)")
                        refusal = error.message
                    }
                }
                #expect(refusal.contains("disk is full and nothing was changed"), "\(refusal)")
                #expect(refusal.contains("make room"), "\(refusal)")
                #expect(try await server.releases().count == published + 1)
                if published == 0 { #expect(try await server.written() == before) }
                #expect(await server.answers())
                let composed = try await server.call(CompositionServiceAPI.compose) { $0.model = "mlp" }
                #expect(composed.release == Int32(published + 1))

                try await database.pool.query("DROP TABLE public.ballast")
                let again = try await server.publish(request)
                #expect(again.release?.number == Int32(published + 2))
                try await database.pool.query("ALTER TABLE eclm.release_modules SET TABLESPACE pg_default")
            }
        }
    }

    @Test("fails in time when every connection is taken, and the server goes on answering")
    func poolTaken() async throws {
        try await withServer(over: .tcp, connections: 1) { server in
            let request = try await server.manifest(changing: ["l0.m00"], seed: 3)
            let stuck = try await server.database.withConnection { blocker in
                try await blocker.transaction { blocker in
                    try await blocker.query("LOCK TABLE eclm.module_versions IN ACCESS EXCLUSIVE MODE")
                    let stuck = Task { try await server.publish(request) }
                    try await Task.sleep(for: .milliseconds(300))
                    await refused(.resourceExhausted, "every database connection is busy") {
                        try await server.call(ReleaseServiceAPI.listReleases) { $0.model = "mlp" }
                    }
                    // From memory, without the database.
                    #expect(try await server.call(CompositionServiceAPI.compose) { $0.model = "mlp" }.release == 1)
                    return stuck
                }
            }
            #expect(try await stuck.value.release?.number == 2)
        }
    }
}
