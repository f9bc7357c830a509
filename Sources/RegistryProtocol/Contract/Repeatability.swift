/// Whether a caller that does not know what became of a request may send it again.
public enum Repeatability: Sendable, Hashable, CaseIterable {
    /// No: it would be carried out twice.
    case notRepeatable
    /// Yes: a second time leaves everything as the first did.
    case idempotent
    /// Yes, if it is the same request: by a key, a token or a digest in it the server knows it again.
    case idempotentWithKey

    /// Whether the same request may be sent again.
    public var isRepeatable: Bool { self != .notRepeatable }
}
