public import Core
import Foundation

extension PartialAggregate.Lineage {
    /// The most bytes of a document: some hundred thousand inputs.
    public static let maximumBytes = 64 << 20

    /// The document: JSON with sorted keys, without white space, so that equal lineages are equal bytes.
    ///
    /// - Throws: ``TrainerError`` with `invalidWeights` where it would be too long.
    public func document() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(self))
        } catch {
            throw TrainerError(.invalidWeights, "the lineage cannot be written as JSON: \(error)", cause: error)
        }
        guard bytes.count <= Self.maximumBytes else {
            throw TrainerError(
                .invalidWeights,
                "the lineage of \(inputs.count) inputs takes \(bytes.count) bytes, more than \(Self.maximumBytes): make "
                    + "partial aggregates of fewer")
        }
        return bytes
    }

    /// The document's name: the SHA-256 of its bytes.
    ///
    /// - Throws: As ``document()``.
    public func digest() throws -> Digest { Digest.of(try document()) }

    /// Reads a document.
    ///
    /// - Throws: ``TrainerError`` with `invalidWeights` for what is none, is too long, or says what cannot be.
    public init(document: [UInt8]) throws {
        guard document.count <= Self.maximumBytes else {
            throw TrainerError(
                .invalidWeights, "a lineage has at most \(Self.maximumBytes) bytes, not \(document.count)")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(document))
        } catch {
            throw TrainerError(.invalidWeights, "this is no lineage document: \(error)", cause: error)
        }
        try check()
    }

    /// Refuses totals that cannot be, and inputs that no aggregator takes.
    func check() throws {
        func invalid(_ message: String) -> TrainerError { TrainerError(.invalidWeights, message) }
        guard !inputs.isEmpty else { throw invalid("the lineage of \(region) has no input") }
        guard (1...128).contains(region.utf8.count) else { throw invalid("a region's name must have 1 to 128 bytes") }
        var samples: Int64 = 0
        var updates = 0
        for input in inputs {
            guard input.importance.isFinite, input.importance >= 0, input.sampleCount > 0, input.updates > 0,
                (0...1).contains(input.weight)
            else { throw invalid("input \(input.name) of \(region) has a weight or a count that cannot be") }
            guard input.encoding.isDifference == (input.base != nil) else {
                throw invalid("input \(input.name) of \(region): differences, and they alone, name their version")
            }
            let (sum, overflow) = samples.addingReportingOverflow(input.sampleCount)
            let (count, tooMany) = updates.addingReportingOverflow(input.updates)
            guard !overflow, !tooMany else {
                throw invalid("the inputs of \(region) have too many samples to be counted")
            }
            (samples, updates) = (sum, count)
        }
        guard importance.isFinite else {
            throw invalid("the importances of \(region)'s inputs have no finite sum: scale them down")
        }
    }
}
