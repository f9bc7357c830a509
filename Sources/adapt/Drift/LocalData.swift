import Datasets
import Foundation
import Learning

/// A device's data file: what is in it, and what tells whether it changed.
enum LocalData {
    /// Tells one state of a file from another without reading it.
    struct Stamp: Hashable {
        private var size: Int64
        private var modified: Date
        private var node: UInt64

        /// The file's stamp; `nil` when it is not there.
        init?(_ path: String) {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
            size = (attributes[.size] as? NSNumber)?.int64Value ?? 0
            modified = attributes[.modificationDate] as? Date ?? .distantPast
            node = (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0
        }
    }

    /// Reads the file.
    ///
    /// - Throws: `DatasetError` when it is missing or no such file, `LearningError` when it holds nothing of use.
    static func read(_ path: String) throws -> TrainingData {
        let examples = try Examples.from(file: path)
        return try TrainingData(shape: examples.shape, values: examples.values, labels: examples.labels)
    }
}
