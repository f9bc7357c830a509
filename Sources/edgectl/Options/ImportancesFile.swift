import ArgumentParser
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
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw CommandFailure(.notFound, "cannot read the importances in \(path)")
        }
        guard data.count <= 64 << 20 else {
            throw CommandFailure(.refused, "\(path) has \(data.count) bytes, too many for importances")
        }
        do {
            return try JSONDecoder().decode(ImportancesFile.self, from: data).layers
        } catch {
            throw CommandFailure(
                .refused, "\(path) holds no importances",
                hint: #"write {"layers": [[0.1, 0.9], …]}, one list a layer, in index order"#)
        }
    }
}
