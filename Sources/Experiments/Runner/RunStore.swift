import ECLMCore
import Foundation

/// What is finished of one row and seed, in files, so that a stopped experiment goes on where it was.
///
/// The directory's name holds a digest of all settings that a result depends on: after a change nothing old is found.
struct RunStore: Sendable {
    let directory: String

    /// The store of a row and seed.
    ///
    /// - Parameters:
    ///   - root: The experiments' work directory; made where it is missing.
    ///   - fingerprint: Everything that results depend on.
    init(root: String, experiment: String, row: String, seed: UInt64, fingerprint: some Encodable) throws {
        let digest = Digest.of([UInt8](try Self.encoder.encode(fingerprint))).short
        directory = "\(root)/\(experiment)/\(row)-seed\(seed)-\(digest)"
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw ExperimentError(
                .storage, "the work directory \(directory) cannot be made; name another with --work-directory",
                cause: error)
        }
    }

    /// A finished value; `nil` where there is none, or where its file was damaged and is to be made again.
    func load<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) -> Value? {
        guard let data = FileManager.default.contents(atPath: path("\(name).json")) else { return nil }
        return try? JSONReader().decode(type, of: name, from: data)
    }

    /// Keeps a value, wholly or not at all.
    func save(_ value: some Encodable, as name: String) throws {
        try write(Self.encoder.encode(value), to: "\(name).json")
    }

    /// Whether there is a file.
    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// The bytes of a file; `nil` where there is none.
    func bytes(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path(name)).map { [UInt8]($0) }
    }

    /// Keeps bytes, wholly or not at all.
    func write(_ bytes: [UInt8], to name: String) throws { try write(Data(bytes), to: name) }

    private func write(_ data: Data, to name: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path(name)), options: .atomic)
        } catch {
            throw ExperimentError(.storage, "\(path(name)) cannot be written; is the disk full?", cause: error)
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return encoder
    }
}
