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
    public static func json<T: Decodable>(
        _ path: String, what: String, as type: T.Type = T.self, hint: String? = nil
    ) throws -> T {
        let data = try read(path, what: what)
        do throws(JSONError) {
            return try JSONReader().decode(type, of: "the \(what) \(path.debugDescription)", from: data)
        } catch {
            throw CommandFailure(.refused, error.message, hint: hint)
        }
    }
}
