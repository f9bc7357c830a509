import CommandSupport
import ECLMCore

/// A device's importances: `{"layers": [[0.1, 0.9], [0.5, 0.5]]}`, layer by layer in index order.
struct ImportancesFile: Decodable {
    var layers: [[Double]]

    /// The importances in a file; empty when no file is named.
    static func read(_ path: String?) throws -> [[Double]] {
        guard let path else { return [] }
        return try InputFile.json(
            path, what: "importances file", as: ImportancesFile.self,
            hint: #"write {"layers": [[0.1, 0.9], …]}, one list a layer, in index order"#
        ).layers
    }
}
