#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The JSON that commands print with `--output json`: one document a command, indented, keys sorted and in
/// snake_case, so that two runs can be compared line by line.
public enum JSONDocument {
    /// `value` as JSON text that ends with a line break.
    ///
    /// Keys of dictionaries stay as they are; numbers that JSON lacks become `"nan"`, `"inf"` and `"-inf"`.
    public static func text(_ value: some Encodable) throws -> String {
        try encode(value, [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]) + "\n"
    }

    /// `value` as JSON on one line without a line break, for streams of documents.
    public static func line(_ value: some Encodable) throws -> String {
        try encode(value, [.sortedKeys, .withoutEscapingSlashes])
    }

    private static func encode(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
