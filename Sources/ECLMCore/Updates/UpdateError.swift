/// Why a file is no update in its encoding, or why one could not be made.
public struct UpdateError: CodedError {
    public var code: Code
    public var message: String
    /// The tensor of the base it is about, where it is about one.
    public var tensor: String?
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, tensor: String? = nil, cause: (any Error)? = nil) {
        (self.code, self.message, self.tensor) = (code, message, tensor)
        self.cause = Self.flattened(cause, under: code)
    }

    /// The kinds of ``UpdateError``.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// Tensors are missing, superfluous, or of another shape or dtype than the encoding has for the base.
        public static let mismatch = Code(name: "mismatch", exitStatus: .refused)
        /// A value is NaN or infinite, or would leave the range of the base's dtype.
        public static let notFinite = Code(name: "not_finite", exitStatus: .refused)
        /// The places of a sparse update are not ascending, out of range, or not as many as its values.
        public static let invalidPlaces = Code(name: "invalid_places", exitStatus: .refused)
        /// The fraction is not above 0 and at most 1.
        public static let invalidFraction = Code(name: "invalid_fraction", exitStatus: .refused)
        /// The update would be no acceptable safetensors file; the cause is a ``SafetensorsError``.
        public static let unwritable = Code(name: "unwritable", exitStatus: .refused)
    }
}
