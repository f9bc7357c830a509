import PostgreSQL

extension TestDatabase {
    /// What a database or a login may have set otherwise than PostgreSQL does, and other programs may want so.
    public static let oddSettings = [
        "default_transaction_isolation = 'serializable'", "default_transaction_read_only = on",
        "default_transaction_deferrable = on", "search_path = 'nowhere'", "client_encoding = 'LATIN1'",
        "DateStyle = 'German, DMY'", "TimeZone = 'Asia/Tokyo'", "IntervalStyle = 'iso_8601'",
        "bytea_output = 'escape'", "standard_conforming_strings = off", "extra_float_digits = -15",
        "transform_null_equals = on", "array_nulls = off", "lock_timeout = '1ms'", "statement_timeout = '200ms'",
        "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1s'", "exit_on_error = on",
        "check_function_bodies = off", "row_security = off", "work_mem = '64kB'", "enable_hashjoin = off",
        "jit = off", "backslash_quote = off", "lc_numeric = 'C'",
    ]

    /// Sets all of it on the database, and for a role's login in the database; sessions that begin afterwards find it.
    public func setOddly(for role: TestRole? = nil) async throws {
        try await withConnection { connection in
            for setting in Self.oddSettings {
                try await connection.query("ALTER DATABASE \(identifier: name) SET \(raw: setting)")
                guard let login = role?.login else { continue }
                try await connection.query(
                    "ALTER ROLE \(identifier: login) IN DATABASE \(identifier: name) SET \(raw: setting)")
            }
        }
    }
}
