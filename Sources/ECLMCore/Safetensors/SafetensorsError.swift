/// Why bytes are no acceptable safetensors file, or why one could not be written.
public struct SafetensorsError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for programs.
    public var code: Code
    /// What went wrong and what to do, for people.
    public var message: String
    /// The tensor it is about, where it is about one.
    public var tensor: String?
    /// The error underneath, where there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, tensor: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.tensor = tensor
        self.cause = cause
    }

    /// The message, said to be of safetensors.
    public var description: String { "safetensors: \(message)" }

    /// The kinds of ``SafetensorsError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// The file or prefix ends before its header does.
        public static let truncatedHeader = Code(description: "truncated_header")
        /// The header is not the expected JSON.
        public static let invalidHeader = Code(description: "invalid_header")
        /// Something exceeds a ``SafetensorsLimits``.
        public static let limitExceeded = Code(description: "limit_exceeded")
        /// Two tensors or metadata keys have one name.
        public static let duplicateName = Code(description: "duplicate_name")
        /// A name is empty, holds control characters or is reserved.
        public static let invalidName = Code(description: "invalid_name")
        /// A dtype that this reader does not know.
        public static let unknownDtype = Code(description: "unknown_dtype")
        /// A shape with a negative extent, or one whose size overflows.
        public static let invalidShape = Code(description: "invalid_shape")
        /// Offsets that are reversed, overlap, leave a gap or disagree with dtype and shape.
        public static let invalidOffsets = Code(description: "invalid_offsets")
        /// `__metadata__` is no object of strings.
        public static let invalidMetadata = Code(description: "invalid_metadata")
        /// The file ends before its last tensor does.
        public static let truncatedData = Code(description: "truncated_data")
        /// Bytes follow the last tensor.
        public static let trailingData = Code(description: "trailing_data")
        /// The file holds no tensor of the name.
        public static let noSuchTensor = Code(description: "no_such_tensor")
        /// The tensor's dtype is none of F64, F32, F16, BF16.
        public static let notFloatingPoint = Code(description: "not_floating_point")
        /// The bytes to write do not fill the tensor, or come out of order.
        public static let invalidWrite = Code(description: "invalid_write")
        /// The operating system refused.
        public static let inputOutput = Code(description: "input_output")
    }
}
