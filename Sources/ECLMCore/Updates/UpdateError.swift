/// Why a file is no update in its encoding, or why one could not be made.
public struct UpdateError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for programs.
    public var code: Code
    /// What went wrong and what to do, for people.
    public var message: String
    /// The tensor of the base it is about, where it is about one.
    public var tensor: String?
    /// The error underneath, where there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, tensor: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.tensor = tensor
        self.cause = cause
    }

    /// The message.
    public var description: String { message }

    /// The kinds of ``UpdateError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// Tensors are missing, superfluous, or of another shape or dtype than the encoding has for the base.
        public static let mismatch = Code(description: "mismatch")
        /// A value is NaN or infinite, or would leave the range of the base's dtype.
        public static let notFinite = Code(description: "not_finite")
        /// The places of a sparse update are not ascending, out of range, or not as many as its values.
        public static let invalidPlaces = Code(description: "invalid_places")
        /// The fraction is not above 0 and at most 1.
        public static let invalidFraction = Code(description: "invalid_fraction")
        /// The update would be no acceptable safetensors file; the cause is a ``SafetensorsError``.
        public static let unwritable = Code(description: "unwritable")
    }
}
