import ECLMCore
import SystemPackage

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Reads the small documents that commands take.
public enum InputFile {
    /// The whole file.
    ///
    /// - Throws: ``CommandFailure`` with `notFound` or, beyond `limit` bytes, `refused`.
    public static func read(_ path: String, what: String, limit: Int = 64 << 20) throws -> Data {
        let file: FileDescriptor
        do {
            file = try .open(FilePath(path), .readOnly)
        } catch {
            throw CommandFailure(
                .notFound, "cannot open the \(what) \(path.debugDescription): no such file, or no right")
        }
        let data: Data
        do {
            data = try file.closeAfter { try contents(of: file, beyond: limit) }
        } catch {
            throw CommandFailure(.failure, "cannot read the \(what) \(path.debugDescription): \(error.explanation)")
        }
        guard data.count <= limit else {
            throw CommandFailure(.refused, "the \(what) \(path.debugDescription) has more than \(limit) bytes")
        }
        return data
    }

    /// The whole file, or a little more than `limit` bytes of it.
    private static func contents(of file: FileDescriptor, beyond limit: Int) throws -> Data {
        var data = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while data.count <= limit {
            let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
            guard count > 0 else { break }
            data.append(contentsOf: chunk[..<count])
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
