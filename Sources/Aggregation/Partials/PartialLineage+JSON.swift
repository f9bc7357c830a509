public import ECLMCore
import Foundation

extension PartialLineage {
    /// The most bytes of a document: some hundred thousand inputs.
    public static let maximumBytes = 32 << 20
    /// The most characters of an input's name.
    public static let maximumName = 256

    /// The document: JSON with sorted keys, without white space, so that equal lineages are equal bytes.
    ///
    /// - Throws: ``AggregationError`` with `invalidLineage` where it would be too long.
    public func document() throws(AggregationError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(self))
        } catch {
            throw AggregationError(
                .invalidLineage, "the lineage cannot be written as JSON: \(error.explanation)", cause: error)
        }
        guard bytes.count <= Self.maximumBytes else {
            throw AggregationError(
                .invalidLineage,
                "the lineage of \(inputs.count) inputs takes \(bytes.count) bytes, more than \(Self.maximumBytes): make "
                    + "partial aggregates of fewer")
        }
        return bytes
    }

    /// The document's name: the SHA-256 of its bytes.
    ///
    /// - Throws: As ``document()``.
    public func digest() throws(AggregationError) -> Digest { Digest.of(try document()) }

    /// Reads a document.
    ///
    /// - Throws: ``AggregationError`` with `invalidLineage` for what is none, is too long, or says what cannot be.
    public init(document: [UInt8]) throws(AggregationError) {
        do throws(JSONError) {
            self = try JSONReader(maximumBytes: Self.maximumBytes).decode(of: "the lineage document", from: document)
        } catch {
            throw AggregationError(.invalidLineage, error.message, cause: error)
        }
        try check()
    }

    /// Refuses totals that cannot be, and inputs that no aggregator takes.
    package func check() throws(AggregationError) {
        func invalid(_ message: String) -> AggregationError { AggregationError(.invalidLineage, message) }
        guard !inputs.isEmpty else { throw invalid("the lineage of \(region) has no input") }
        guard (1...128).contains(region.utf8.count) else { throw invalid("a region's name must have 1 to 128 bytes") }
        guard rule.wholeMatch(of: #/[a-z0-9_]{1,64}/#) != nil else {
            throw invalid("the lineage of \(region) names no rule")
        }
        var samples: Int64 = 0
        var updates = 0
        for input in inputs {
            guard (1...Self.maximumName).contains(input.name.utf8.count),
                input.name.unicodeScalars.allSatisfy({ $0.value >= 32 })
            else {
                throw invalid(
                    "an input of \(region) has no name, one of more than \(Self.maximumName) bytes, or control characters"
                )
            }
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
        guard (inputs.reduce(0) { $0 + $1.weight } - 1).magnitude < 1e-6 else {
            throw invalid("the weights of \(region)'s inputs do not sum to 1")
        }
        guard importance.isFinite else {
            throw invalid("the importances of \(region)'s inputs have no finite sum: scale them down")
        }
    }
}
