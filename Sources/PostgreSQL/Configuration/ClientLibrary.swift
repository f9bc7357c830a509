import CLibPQ

/// The libpq that this process runs with.
public enum ClientLibrary {
    /// The version as PostgreSQL numbers it: 160004 is 16.4.
    public static var version: Int { Int(PQlibVersion()) }

    /// A server's or library's version for people: `16.4` for 160004.
    public static func text(_ version: Int) -> String { "\(version / 10_000).\(version % 10_000)" }
}
