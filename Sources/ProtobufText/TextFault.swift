/// A string in an encoded message that would not come out of it as it was put in.
package struct TextFault: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// A NUL character: C, where protobuf-c keeps strings, takes it for the end of the text.
        case nul
        /// Bytes that are no UTF-8.
        case notUTF8
    }

    /// The field by its path from the message: `modules[3].name`.
    package var path: String
    package var kind: Kind

    package init(path: String, kind: Kind) {
        (self.path, self.kind) = (path, kind)
    }

    /// What is wrong with the text, without its name.
    package var problem: String {
        switch kind {
        case .nul: "holds a NUL character; send the text without it"
        case .notUTF8: "is not UTF-8 text"
        }
    }

    package var description: String { "\(path) \(problem)" }
}
