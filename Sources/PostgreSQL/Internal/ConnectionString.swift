import CLibPQ

/// Lets libpq parse `string` and turns its complaint into an error that cannot hold a password.
///
/// libpq quotes the text it stumbled on, and that text may be part of a password with an unescaped blank or `@`, so what
/// it quotes is left out; only an unknown option's name is shown, since a misspelt option is the usual mistake.
func checkConnectionString(_ string: String) throws {
    guard !string.utf8.contains(0) else {
        throw PostgresError(code: .usage, message: "the connection string contains a NUL byte")
    }
    // libpq takes a bare word for a database name; nobody means that here.
    guard string.isEmpty || string.contains("=") || string.contains("://") else {
        throw PostgresError(
            code: .usage,
            message: "the connection string is neither a postgresql:// URI nor key=value pairs")
    }
    var complaint: UnsafeMutablePointer<CChar>?
    let options = PQconninfoParse(string, &complaint)
    defer {
        PQconninfoFree(options)
        PQfreemem(complaint)
    }
    guard options == nil else { return }
    let text = complaint.map { String(cString: $0) } ?? "out of memory"
    throw PostgresError(
        code: .usage,
        message: "the connection string is malformed: \(redacted(text.trimmedLine)); "
            + "see the libpq documentation, section Connection Strings")
}

/// `complaint` with everything in double quotes left out, but for the name of an unknown option.
private func redacted(_ complaint: String) -> String {
    let parts = complaint.split(separator: "\"", omittingEmptySubsequences: false)
    let namesOption = complaint.hasPrefix("invalid connection option")
    return parts.enumerated().map { index, part -> String in
        guard index % 2 == 1 else { return String(part) }
        let plain = part.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == 0x5F }
        return namesOption && plain ? "\"\(part)\"" : "\"…\""
    }.joined()
}

extension String {
    /// Without line breaks and blanks at the end, as libpq's messages have them.
    var trimmedLine: String {
        var copy = self[...]
        while let last = copy.last, last.isWhitespace { copy.removeLast() }
        return String(copy)
    }
}
