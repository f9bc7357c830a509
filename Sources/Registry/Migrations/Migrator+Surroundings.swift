package import PostgreSQL

extension Migrator {
    /// Why a registry cannot be kept in the database as it was created; `nil` where it can.
    package static func unfitness(of connection: PostgresConnection) async throws -> String? {
        let encoding: String = try await connection.query("SELECT current_setting('server_encoding') AS encoding").one()
            .decode("encoding")
        guard encoding != "UTF8" else { return nil }
        return
            "the database's encoding is \(encoding), which cannot hold every text, nor be trusted to hold any; create it "
            + "with ENCODING 'UTF8' TEMPLATE template0 (createdb --encoding=UTF8 --template=template0)"
    }

    /// What a login needs that a migration was refused to. It makes roles and members of roles, which belong to the server.
    static let rightsToMigrate =
        "migrations are for a superuser, or for the database's owner with CREATEROLE and, from PostgreSQL 16 on, ADMIN OPTION "
        + "on the eclm_ roles that another registry of this server may have made (GRANT eclm_reader, eclm_device, "
        + "eclm_publisher, eclm_trainer, eclm_operator TO ... WITH ADMIN OPTION)"

    /// Gives the functions that check, and those that act with the owner's rights, the settings that they rely on: whoever
    /// calls them may have set others, in a session that no program of the registry made.
    ///
    /// After every migration, since what replaces a function takes its settings away.
    func settleFunctions(on connection: PostgresConnection) async throws {
        try await connection.transaction { try await $0.execute(script: Self.functionSettings) }
    }

    /// A document that is made of a row, and compared or hashed, must not depend on how its values look to the caller.
    private static let functionSettings = """
        DO $$
        DECLARE
            found record;
            wanted text;
        BEGIN
            FOR found IN
                SELECT p.oid::regprocedure AS name, coalesce(p.proconfig, '{}') AS config,
                    p.prosrc ~ '(to_jsonb|jsonb?_build)' AS converts
                FROM pg_proc p
                WHERE p.pronamespace = to_regnamespace('eclm') AND p.prokind = 'f'
                    AND (p.prosecdef OR p.prorettype = 'trigger'::regtype)
            LOOP
                FOREACH wanted IN ARRAY ARRAY['search_path'] || CASE WHEN found.converts
                    THEN ARRAY['TimeZone', 'bytea_output', 'extra_float_digits', 'transform_null_equals'] ELSE '{}' END
                LOOP
                    CONTINUE WHEN EXISTS (
                        SELECT FROM unnest(found.config) c WHERE lower(split_part(c, '=', 1)) = lower(wanted));
                    EXECUTE format('ALTER FUNCTION %s SET %s', found.name, CASE wanted
                        WHEN 'search_path' THEN 'search_path = eclm, pg_temp'
                        WHEN 'TimeZone' THEN 'TimeZone = ''UTC'''
                        WHEN 'bytea_output' THEN 'bytea_output = hex'
                        WHEN 'extra_float_digits' THEN 'extra_float_digits = 1'
                        ELSE 'transform_null_equals = off' END);
                END LOOP;
            END LOOP;
        END $$
        """
}
