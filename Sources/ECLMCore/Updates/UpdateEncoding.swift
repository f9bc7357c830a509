/// How an update writes what a device learned of a module, by name. The names are the same in SQL, on the wire and in
/// programs; docs/trainer/encodings.md describes the files.
public struct UpdateEncoding: RawRepresentable, Sendable, Hashable, Codable, CaseIterable {
    /// Every encoding of this package. To add one, write its file and name it here.
    private static let codings: [any UpdateCoding.Type] = [
        FullEncoding.self, DeltaEncoding.self, Int8DeltaEncoding.self, SparseDeltaEncoding.self,
    ]

    /// The trained weights: a file with exactly the base version's tensors.
    public static let full = UpdateEncoding(FullEncoding.self)
    /// The differences to the base version in floating point.
    public static let delta = UpdateEncoding(DeltaEncoding.self)
    /// The differences in 8 bits a weight, with a scale for each output row.
    public static let int8Delta = UpdateEncoding(Int8DeltaEncoding.self)
    /// The largest differences alone, with their places.
    public static let sparseDelta = UpdateEncoding(SparseDeltaEncoding.self)

    public static let allCases = codings.map(UpdateEncoding.init)

    /// What writes and fits its files.
    let coding: any UpdateCoding.Type

    private init(_ coding: any UpdateCoding.Type) {
        self.coding = coding
    }

    /// The encoding of that name; `nil` where there is none.
    public init?(rawValue: String) {
        guard let coding = Self.codings.first(where: { $0.name == rawValue }) else { return nil }
        self.coding = coding
    }

    public var rawValue: String { coding.name }
    /// What a file holds, for help texts.
    public var summary: String { coding.summary }
    /// Whether an update says how its weights differ from the base version's, and means nothing without it.
    public var isDifference: Bool { coding.isDifference }

    public static func == (left: UpdateEncoding, right: UpdateEncoding) -> Bool { left.rawValue == right.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

/// An encoding of updates, in one file: its name, which tensors its files hold, and how a difference is written. What
/// aggregates updates knows of ``UpdateLayout/Part`` alone, so that an encoding made of these needs nothing else.
protocol UpdateCoding: Sendable {
    /// Lower-case letters, digits and `_`, at most 32.
    static var name: String { get }
    static var summary: String { get }
    static var isDifference: Bool { get }

    /// Finds what a file holds of a tensor of the base; differences have nothing of tensors that are no floating-point
    /// numbers, and are not asked about them.
    ///
    /// - Throws: ``UpdateError`` with `mismatch`.
    static func fit(_ tensor: TensorDescription, in file: inout UpdateFitting) throws

    /// Adds what was learned to a file.
    ///
    /// - Parameter fraction: The part of the weights to send, where an encoding sends a part.
    /// - Returns: What is left for the next update; `nil` where nothing is.
    static func add(
        _ difference: Difference, fraction: Double, to builder: inout SafetensorsBuilder
    ) throws -> UpdateResidual?
}

extension UpdateCoding {
    static var isDifference: Bool { true }
}
