/// How an update writes what a device learned of a module. The names are the same in SQL, on the wire and in programs;
/// docs/trainer/encodings.md describes the files.
public enum UpdateEncoding: String, Sendable, Hashable, Codable, CaseIterable {
    /// The trained weights: a file with exactly the base version's tensors.
    case full
    /// The differences to the base version in floating point.
    case delta
    /// The differences in 8 bits a weight, with a scale for each output row.
    case int8Delta = "int8_delta"
    /// The largest differences alone, with their places.
    case sparseDelta = "sparse_delta"

    /// Whether an update says how its weights differ from the base version's, and means nothing without it.
    public var isDifference: Bool { self != .full }
}
