/// Why a data set cannot be read or a task cannot be made of it.
public struct DatasetError: Error, Sendable, CustomStringConvertible {
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

    /// The kinds of ``DatasetError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// The data set's file is not there.
        public static let missingFile = Code(description: "missing_file")
        /// The file is no safetensors file, or lacks a tensor or a metadata value.
        public static let invalidFile = Code(description: "invalid_file")
        /// A tensor or an example has another shape or element type than expected.
        public static let wrongShape = Code(description: "wrong_shape")
        /// A label names no class.
        public static let labelOutOfRange = Code(description: "label_out_of_range")
        /// A value is NaN or infinite.
        public static let notFinite = Code(description: "not_finite")
        /// A class has no examples, or there are fewer classes than needed.
        public static let tooFewClasses = Code(description: "too_few_classes")
        /// There are fewer examples, users or recordings than the task needs.
        public static let tooFewExamples = Code(description: "too_few_examples")
        /// A setting is out of its range, or does not go with the data set.
        public static let invalidSettings = Code(description: "invalid_settings")
        /// The file cannot be written.
        public static let cannotWrite = Code(description: "cannot_write")
    }
}
