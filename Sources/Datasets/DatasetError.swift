public import ECLMCore

/// Why a data set cannot be read or a task cannot be made of it.
public struct DatasetError: CodedError {
    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    /// The kinds of ``DatasetError``.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The data set's file is not there.
        public static let missingFile = Code(name: "missing_file", exitStatus: .notFound)
        /// The file is no safetensors file, or lacks a tensor or a metadata value.
        public static let invalidFile = Code(name: "invalid_file", exitStatus: .refused)
        /// A tensor or an example has another shape or element type than expected.
        public static let wrongShape = Code(name: "wrong_shape", exitStatus: .refused)
        /// A label names no class.
        public static let labelOutOfRange = Code(name: "label_out_of_range", exitStatus: .refused)
        /// A value is NaN or infinite.
        public static let notFinite = Code(name: "not_finite", exitStatus: .refused)
        /// A class has no examples, or there are fewer classes than needed.
        public static let tooFewClasses = Code(name: "too_few_classes", exitStatus: .refused)
        /// There are fewer examples, users or recordings than the task needs.
        public static let tooFewExamples = Code(name: "too_few_examples", exitStatus: .refused)
        /// A setting is out of its range, or does not go with the data set.
        public static let invalidSettings = Code(name: "invalid_settings", exitStatus: .refused)
        /// The file cannot be written.
        public static let cannotWrite = Code(name: "cannot_write", exitStatus: .refused)
    }
}
