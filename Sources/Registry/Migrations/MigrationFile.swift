public import ECLMCore
import Foundation

/// One migration, `NNNN_name.sql`: forward only, never changed once it has been applied anywhere.
public struct MigrationFile: Sendable, Hashable, CustomStringConvertible {
    /// The position, from 1, without gaps.
    public let number: Int
    /// The name without number and `.sql`: lower-case letters, digits and `_`.
    public let name: String
    /// SHA-256 of the file's bytes.
    public let checksum: Digest
    /// The statements.
    public let sql: String

    /// The largest file that is read, in bytes.
    public static let maximumSize = 16 << 20

    /// `0001_schema_and_roles`.
    public var description: String { Self.label(number: number, name: name) }

    static func label(number: Int, name: String) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "_" + name
    }

    /// A migration from its file name and bytes.
    /// - Throws: ``RegistryError`` `.invalidArgument` where the name or the bytes are not a migration's.
    public init(fileName: String, bytes: [UInt8]) throws(RegistryError) {
        guard let match = fileName.wholeMatch(of: #/([0-9]{4})_([a-z0-9]+(?:_[a-z0-9]+)*)\.sql/#),
            let number = Int(match.1), number >= 1
        else {
            throw RegistryError(
                .invalidArgument,
                "the migration \(fileName.debugDescription) is misnamed; name it NNNN_lower_case_words.sql, from 0001")
        }
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw RegistryError(.invalidArgument, "the migration \(fileName) is not UTF-8 text")
        }
        self.number = number
        self.name = String(match.2)
        self.checksum = Digest.of(bytes)
        self.sql = text
    }

    /// A migration that is compiled in; `make migrations` checks its name and text.
    init(number: Int, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
        checksum = Digest.of(Array(sql.utf8))
    }

    /// Reads every migration of a directory, in order.
    ///
    /// - Throws: ``RegistryError`` `.notFound` where there is no such directory or it has no migration,
    ///   `.invalidArgument` for a misnamed file, a number that is missing or one that two files have.
    static func load(directory: String) throws(RegistryError) -> [MigrationFile] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".sql") }
                .sorted()
        } catch {
            throw RegistryError(.notFound, "there is no migrations directory at \(directory)", cause: error)
        }
        var files: [MigrationFile] = []
        for fileName in names {
            let file = try MigrationFile(fileName: fileName, bytes: read(directory + "/" + fileName))
            let expected = files.count + 1
            if file.number < expected {
                throw RegistryError(
                    .invalidArgument,
                    "the migrations \(files[file.number - 1]) and \(file) in \(directory) have one number")
            }
            guard file.number == expected else {
                throw RegistryError(
                    .invalidArgument,
                    "\(directory) goes on with \(file), but migration number \(expected) is missing; restore it")
            }
            files.append(file)
        }
        guard !files.isEmpty else {
            throw RegistryError(.notFound, "the directory \(directory) has no migration, that is, no NNNN_name.sql")
        }
        return files
    }

    private static func read(_ path: String) throws(RegistryError) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            let data = try handle.read(upToCount: maximumSize + 1) ?? Data()
            guard data.count <= maximumSize else {
                throw RegistryError(.invalidArgument, "the migration \(path) has more than \(maximumSize) bytes")
            }
            return [UInt8](data)
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(
                .invalidArgument, "the migration \(path) cannot be read: \(error.explanation)", cause: error)
        }
    }
}
