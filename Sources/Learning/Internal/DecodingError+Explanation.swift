extension DecodingError {
    /// What is wrong with a document and where, for people.
    var explanation: String {
        func place(_ context: Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return path.isEmpty ? "the document" : String(path.drop { $0 == "." })
        }
        switch self {
        case .keyNotFound(let key, let context):
            return context.codingPath.isEmpty
                ? "\(key.stringValue) is missing" : "\(place(context)).\(key.stringValue) is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            return "\(place(context)) must be a \(type)"
        case .dataCorrupted(let context): return "\(place(context)): \(context.debugDescription)"
        @unknown default: return "\(self)"
        }
    }
}
