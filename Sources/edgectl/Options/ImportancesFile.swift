import ECLMCore
import CommandSupport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A device's importances: `{"layers": [[0.1, 0.9], [0.5, 0.5]]}`, layer by layer in index order.
struct ImportancesFile: Decodable {
    var layers: [[Double]]

    /// The importances in a file; empty when no file is named.
    static func read(_ path: String?) throws -> [[Double]] {
        guard let path else { return [] }
        let data = try InputFile.read(path, what: "importances")
        do {
            return try JSONDecoder().decode(ImportancesFile.self, from: data).layers
        } catch {
            throw CommandFailure(
                .refused, "\(path) holds no importances",
                hint: #"write {"layers": [[0.1, 0.9], …]}, one list a layer, in index order"#)
        }
    }
}
