/// Why bytes are not the JSON document that they should be.
package struct JSONError: CodedError {
    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    package struct Code: ErrorCode {
        package let name: String
        package let exitStatus: ExitStatus

        /// More bytes than the format allows.
        package static let tooLarge = Code(name: "too_large", exitStatus: .refused)
        /// No JSON, a key twice in one object, or something after the document.
        package static let malformed = Code(name: "malformed", exitStatus: .refused)
        /// A value of another type than expected, or a missing key.
        package static let mismatch = Code(name: "mismatch", exitStatus: .refused)
        /// A key that means nothing, in a format that allows no others.
        package static let unknownKey = Code(name: "unknown_key", exitStatus: .refused)
    }
}
