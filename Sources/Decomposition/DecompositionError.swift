/// Why a checkpoint cannot be decomposed as its specification says.
public struct DecompositionError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for programs.
    public var code: Code
    /// What went wrong and what to do, for people.
    public var message: String
    /// The error underneath, where there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message.
    public var description: String { message }

    /// The kinds of ``DecompositionError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// The specification is no JSON, or has a value that is not allowed.
        public static let invalidSpecification = Code(description: "invalid_specification")
        /// The specification has a key that means nothing.
        public static let unknownKey = Code(description: "unknown_key")
        /// The specification lacks a key.
        public static let missingKey = Code(description: "missing_key")
        /// The checkpoint lacks a tensor that the specification names.
        public static let missingTensor = Code(description: "missing_tensor")
        /// A tensor has another shape or dtype than its place in the block asks for.
        public static let wrongShape = Code(description: "wrong_shape")
        /// A layer is to be split into more modules than it has inner neurons or channels.
        public static let tooManyModules = Code(description: "too_many_modules")
        /// The specification uses one tensor twice.
        public static let tensorUsedTwice = Code(description: "tensor_used_twice")
        /// A tensor that no layer and no rule of `shared` takes.
        public static let unclaimedTensor = Code(description: "unclaimed_tensor")
        /// A weight is NaN or infinite.
        public static let nonFinite = Code(description: "non_finite")
        /// A module could not be written as a safetensors file.
        public static let invalidModule = Code(description: "invalid_module")
        /// The sink refused a blob or the manifest.
        public static let output = Code(description: "output")
    }
}
