/// A PostgreSQL type by its object identifier (`pg_type.oid`).
public struct PostgresType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The object identifier.
    public let rawValue: UInt32

    /// A type by its object identifier.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// Left to the server to infer.
    public static let inferred = PostgresType(0)
    /// `bool`
    public static let bool = PostgresType(16)
    /// `bytea`
    public static let bytea = PostgresType(17)
    /// `"char"`
    public static let char = PostgresType(18)
    /// `name`
    public static let name = PostgresType(19)
    /// `int8`
    public static let int8 = PostgresType(20)
    /// `int2`
    public static let int2 = PostgresType(21)
    /// `int4`
    public static let int4 = PostgresType(23)
    /// `text`
    public static let text = PostgresType(25)
    /// `oid`
    public static let oid = PostgresType(26)
    /// `json`
    public static let json = PostgresType(114)
    /// `xml`
    public static let xml = PostgresType(142)
    /// `float4`
    public static let float4 = PostgresType(700)
    /// `float8`
    public static let float8 = PostgresType(701)
    /// `unknown`
    public static let unknown = PostgresType(705)
    /// `bpchar`
    public static let bpchar = PostgresType(1042)
    /// `varchar`
    public static let varchar = PostgresType(1043)
    /// `date`
    public static let date = PostgresType(1082)
    /// `timestamp` without time zone
    public static let timestamp = PostgresType(1114)
    /// `timestamptz`
    public static let timestamptz = PostgresType(1184)
    /// `interval`
    public static let interval = PostgresType(1186)
    /// `numeric`
    public static let numeric = PostgresType(1700)
    /// `uuid`
    public static let uuid = PostgresType(2950)
    /// `jsonb`
    public static let jsonb = PostgresType(3802)
    /// `void`
    public static let void = PostgresType(2278)
    /// `bool[]`
    public static let boolArray = PostgresType(1000)
    /// `bytea[]`
    public static let byteaArray = PostgresType(1001)
    /// `int2[]`
    public static let int2Array = PostgresType(1005)
    /// `int4[]`
    public static let int4Array = PostgresType(1007)
    /// `text[]`
    public static let textArray = PostgresType(1009)
    /// `int8[]`
    public static let int8Array = PostgresType(1016)
    /// `float4[]`
    public static let float4Array = PostgresType(1021)
    /// `float8[]`
    public static let float8Array = PostgresType(1022)
    /// `timestamptz[]`
    public static let timestamptzArray = PostgresType(1185)
    /// `uuid[]`
    public static let uuidArray = PostgresType(2951)
    /// `jsonb[]`
    public static let jsonbArray = PostgresType(3807)

    /// Whether the type came with a schema or an extension (an enum, say) and not with PostgreSQL itself.
    public var isUserDefined: Bool { rawValue >= 16384 }

    /// The SQL name where it is one of the above, otherwise the object identifier.
    public var description: String { Self.names[rawValue] ?? "type with OID \(rawValue)" }

    private static let names: [UInt32: String] = [
        0: "unspecified", 16: "bool", 17: "bytea", 18: "\"char\"", 19: "name", 20: "int8", 21: "int2", 23: "int4",
        25: "text", 26: "oid", 114: "json", 142: "xml", 700: "float4", 701: "float8", 705: "unknown", 1042: "bpchar",
        1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz", 1186: "interval",
        1700: "numeric", 2249: "record", 2278: "void", 2950: "uuid", 3802: "jsonb", 1000: "bool[]", 1001: "bytea[]",
        1005: "int2[]", 1007: "int4[]", 1009: "text[]", 1016: "int8[]", 1021: "float4[]", 1022: "float8[]",
        1185: "timestamptz[]", 1231: "numeric[]", 2951: "uuid[]", 3807: "jsonb[]",
    ]
}
