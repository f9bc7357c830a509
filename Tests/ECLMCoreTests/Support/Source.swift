import Foundation
import Testing

/// A Swift file of the package, for rules that hold for its text.
struct Source {
    var name: String
    var text: String

    static func all() throws -> [Source] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map {
            Source(name: $0.lastPathComponent, text: try String(contentsOf: $0, encoding: .utf8))
        }
    }
}
