public import ECLMCore

/// Why a checkpoint cannot be decomposed as its specification says.
public struct DecompositionError: CodedError {
    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    /// The kinds of ``DecompositionError``.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The specification is no JSON, or has a value that is not allowed.
        public static let invalidSpecification = Code(name: "invalid_specification", exitStatus: .refused)
        /// The specification has a key that means nothing.
        public static let unknownKey = Code(name: "unknown_key", exitStatus: .refused)
        /// The specification lacks a key.
        public static let missingKey = Code(name: "missing_key", exitStatus: .refused)
        /// The checkpoint lacks a tensor that the specification names.
        public static let missingTensor = Code(name: "missing_tensor", exitStatus: .refused)
        /// A tensor has another shape or dtype than its place in the block asks for.
        public static let wrongShape = Code(name: "wrong_shape", exitStatus: .refused)
        /// A layer is to be split into more modules than it has inner neurons or channels.
        public static let tooManyModules = Code(name: "too_many_modules", exitStatus: .refused)
        /// The specification uses one tensor twice.
        public static let tensorUsedTwice = Code(name: "tensor_used_twice", exitStatus: .refused)
        /// A tensor that no layer and no rule of `shared` takes.
        public static let unclaimedTensor = Code(name: "unclaimed_tensor", exitStatus: .refused)
        /// A weight is NaN or infinite.
        public static let nonFinite = Code(name: "non_finite", exitStatus: .refused)
        /// A module could not be written as a safetensors file.
        public static let invalidModule = Code(name: "invalid_module", exitStatus: .refused)
        /// The sink refused a blob or the manifest.
        public static let output = Code(name: "output", exitStatus: .failure)
    }
}

extension DecompositionError {
    /// As the sink's own error says where that refused the output.
    public var exitStatus: ExitStatus {
        let sink = code == .output ? cause as? any ExitStatusConvertible : nil
        return sink?.exitStatus ?? code.exitStatus
    }
}
