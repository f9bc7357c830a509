import ECLMCore
public import Foundation

/// Results as JSON: sorted keys, one layout, so that two runs of one command differ in what was measured and nothing
/// else.
public enum ResultsFile {
    /// No file of results is larger, in bytes.
    public static let sizeLimit = 256 << 20

    /// Results as the bytes of their file. Throws an ``ExperimentError`` where a number is not finite.
    public static func encode(_ results: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Data(JSONLayout.layOut(Array(try encoder.encode(results))))
        } catch {
            throw ExperimentError(
                .invalidResults, "the results hold a number that JSON cannot: a run diverged? (\(error.explanation))",
                cause: error)
        }
    }

    /// Reads an experiment's results. Throws an ``ExperimentError`` where the file is missing, damaged, of another layout,
    /// or contradicts itself.
    public static func readExperiment(_ path: String) throws -> ExperimentResults {
        let results: ExperimentResults = try read(path, schema: ExperimentResults.currentSchema)
        try results.check()
        return results
    }

    /// Reads a prototype's results. Throws as ``readExperiment(_:)`` does.
    public static func readPrototype(_ path: String) throws -> PrototypeResults {
        let results: PrototypeResults = try read(path, schema: PrototypeResults.currentSchema)
        try results.check()
        return results
    }

    private struct Layout: Decodable {
        var schema: Int
    }

    private static func read<Results: Decodable>(_ path: String, schema: Int) throws -> Results {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw ExperimentError(.unreadable, "cannot read \(path); run the experiment first", cause: error)
        }
        guard data.count <= sizeLimit else {
            throw ExperimentError(.unreadable, "\(path) is larger than \(sizeLimit) bytes and no file of results")
        }
        do {
            let reader = JSONReader(maximumBytes: sizeLimit)
            let found = try reader.decode(Layout.self, of: path, from: data).schema
            guard found == schema else {
                throw ExperimentError(
                    .unknownSchema, "\(path) has layout \(found), this version reads \(schema); run it again")
            }
            return try reader.decode(of: path, from: data)
        } catch let error as ExperimentError {
            throw error
        } catch {
            throw ExperimentError(.unreadable, "\(path) is no file of results: \(error.explanation)", cause: error)
        }
    }
}
