public import ECLMCore

extension RPCStatus: ErrorCode {
    /// The name the code has in its own standard: brpc's `ENOSERVICE`, gRPC's `NOT_FOUND`, or `STATUS_<code>`.
    public var name: String {
        if let known = Self.brpcNames[code] { return known }
        let canonical = Int(code) - 20_000
        return Self.canonicalNames.indices.contains(canonical) ? Self.canonicalNames[canonical] : "STATUS_\(code)"
    }

    /// A peer that cannot be reached, or not now, may be later; a wrong argument stays wrong.
    public var exitStatus: ExitStatus { self == .invalidArgument ? .refused : .unavailable }

    /// Name and number.
    public var description: String { "\(name) (\(code))" }

    private static let brpcNames: [Int32: String] = [
        0: "OK", 1001: "ENOSERVICE", 1002: "ENOMETHOD", 1003: "EREQUEST", 1004: "ERPCAUTH", 1005: "ETOOMANYFAILS",
        1007: "EBACKUPREQUEST", 1008: "ERPCTIMEDOUT", 1009: "EFAILEDSOCKET", 1010: "EHTTP", 1011: "EOVERCROWDED",
        1014: "EEOF", 2001: "EINTERNAL", 2002: "ERESPONSE", 2003: "ELOGOFF", 2004: "ELIMIT", 2005: "ECLOSE",
    ]

    private static let canonicalNames = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}
