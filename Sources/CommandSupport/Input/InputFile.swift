import ECLMCore
public import Foundation

/// Reads the small documents that commands take.
public enum InputFile {
    /// The whole file.
    ///
    /// - Throws: ``CommandFailure`` with `notFound` or, beyond `limit` bytes, `refused`.
    public static func read(_ path: String, what: String, limit: Int = 64 << 20) throws -> Data {
        let handle: FileHandle
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure(
                .notFound, "cannot open the \(what) \(path.debugDescription): no such file, or no right")
        }
        defer { try? handle.close() }
        let data: Data
        do {
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw CommandFailure(.failure, "cannot read the \(what) \(path.debugDescription): \(error.explanation)")
        }
        guard data.count <= limit else {
            throw CommandFailure(.refused, "the \(what) \(path.debugDescription) has more than \(limit) bytes")
        }
        return data
    }

    /// A JSON document.
    ///
    /// - Throws: ``CommandFailure`` that names the key at fault.
    public static func json<T: Decodable>(_ path: String, what: String, as type: T.Type = T.self) throws -> T {
        let data = try read(path, what: what)
        do {
            return try JSONDecoder().decode(T.self, from: data)
        } catch let error as DecodingError {
            throw CommandFailure(.refused, "the \(what) \(path.debugDescription) is not well formed: \(explain(error))")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            let text = path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return text.isEmpty ? "the document" : String(text.drop { $0 == "." })
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(place(context.codingPath)) lacks \(key.stringValue.debugDescription)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(place(context.codingPath)): \(context.debugDescription)"
        case .dataCorrupted(let context):
            return "\(place(context.codingPath)): \(context.debugDescription)"
        @unknown default:
            return error.explanation
        }
    }
}
