/// Why bytes are no acceptable safetensors file, or why one could not be written.
public struct SafetensorsError: CodedError {
    public var code: Code
    public var message: String
    /// The tensor it is about, where it is about one.
    public var tensor: String?
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, tensor: String? = nil, cause: (any Error)? = nil) {
        (self.code, self.message, self.tensor) = (code, message, tensor)
        self.cause = Self.flattened(cause, under: code)
    }

    /// The kinds of ``SafetensorsError``.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The file or prefix ends before its header does.
        public static let truncatedHeader = Code(name: "truncated_header", exitStatus: .refused)
        /// The header is not the expected JSON.
        public static let invalidHeader = Code(name: "invalid_header", exitStatus: .refused)
        /// Something exceeds a ``SafetensorsLimits``.
        public static let limitExceeded = Code(name: "limit_exceeded", exitStatus: .refused)
        /// Two tensors or metadata keys have one name.
        public static let duplicateName = Code(name: "duplicate_name", exitStatus: .refused)
        /// A name is empty, holds control characters or is reserved.
        public static let invalidName = Code(name: "invalid_name", exitStatus: .refused)
        /// A dtype that this reader does not know.
        public static let unknownDtype = Code(name: "unknown_dtype", exitStatus: .refused)
        /// A shape with a negative extent, or one whose size overflows.
        public static let invalidShape = Code(name: "invalid_shape", exitStatus: .refused)
        /// Offsets that are reversed, overlap, leave a gap or disagree with dtype and shape.
        public static let invalidOffsets = Code(name: "invalid_offsets", exitStatus: .refused)
        /// `__metadata__` is no object of strings.
        public static let invalidMetadata = Code(name: "invalid_metadata", exitStatus: .refused)
        /// The file ends before its last tensor does.
        public static let truncatedData = Code(name: "truncated_data", exitStatus: .refused)
        /// Bytes follow the last tensor.
        public static let trailingData = Code(name: "trailing_data", exitStatus: .refused)
        /// The file holds no tensor of the name.
        public static let noSuchTensor = Code(name: "no_such_tensor", exitStatus: .refused)
        /// The tensor's dtype is none of F64, F32, F16, BF16.
        public static let notFloatingPoint = Code(name: "not_floating_point", exitStatus: .refused)
        /// The bytes to write do not fill the tensor, or come out of order.
        public static let invalidWrite = Code(name: "invalid_write", exitStatus: .refused)
        /// The operating system refused.
        public static let inputOutput = Code(name: "input_output", exitStatus: .notFound)
    }
}
