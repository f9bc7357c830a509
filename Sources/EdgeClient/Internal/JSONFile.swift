import ECLMCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// JSON files as the client writes them: indented, with sorted keys.
package enum JSONFile {
    package static func bytes(_ value: some Encodable) throws(EdgeError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw EdgeError(.invalidState, "a value cannot be written as JSON: \(error.explanation)", cause: error)
        }
    }
}
