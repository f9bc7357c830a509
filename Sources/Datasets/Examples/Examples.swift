import ECLMCore

/// Labelled examples of one shape, one behind the other.
public struct Examples: Sendable, Hashable {
    /// The shape of one example, outermost extent first.
    public let shape: [Int]
    /// The values of all examples: `count` times `shape`, row-major.
    public let values: [Float]
    /// The class of each example, counted from 0.
    public let labels: [Int]

    /// The most values one example may have, and the most examples there may be.
    static let limits = (valuesPerExample: 1 << 24, examples: 1 << 24)
    /// The largest label; more classes than this are taken for damage.
    static let largestLabel = 65_535

    /// - Parameters:
    ///   - shape: The shape of one example; every extent is above 0.
    ///   - values: Row-major, for each label as many as `shape` holds.
    ///   - labels: The class of each example.
    /// - Throws: ``DatasetError`` when the sizes do not fit, a value is NaN or infinite, or a label is negative.
    public init(shape: [Int], values: [Float], labels: [Int]) throws {
        var size = 1
        for extent in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard extent > 0, !overflow, product <= Self.limits.valuesPerExample else {
                throw DatasetError(
                    .wrongShape,
                    "an example cannot have the shape \(shape): extents are above 0, and their product at most "
                        + "\(Self.limits.valuesPerExample)")
            }
            size = product
        }
        guard labels.count <= Self.limits.examples, values.count == size * labels.count else {
            throw DatasetError(
                .wrongShape,
                "\(labels.count) examples of shape \(shape) have \(size) values each, but \(values.count) were given")
        }
        if let place = values.firstNonFinite {
            throw DatasetError(
                .notFinite,
                "example \(place / size) has \(values[place]) as its value \(place % size); leave it out or repair it")
        }
        if let place = labels.firstIndex(where: { $0 < 0 || $0 > Self.largestLabel }) {
            throw DatasetError(
                .labelOutOfRange,
                "example \(place) has the label \(labels[place]); labels are from 0 to "
                    + "\(Self.largestLabel)")
        }
        self.shape = shape
        self.values = values
        self.labels = labels
    }

    /// Examples whose sizes are known to fit.
    init(unchecked shape: [Int], values: [Float], labels: [Int]) {
        assert(values.count == labels.count * shape.reduce(1, *))
        self.shape = shape
        self.values = values
        self.labels = labels
    }

    /// How many there are.
    public var count: Int { labels.count }
    /// Whether there are none.
    public var isEmpty: Bool { labels.isEmpty }
    /// How many values one example has.
    public var valuesPerExample: Int { shape.reduce(1, *) }

    /// The values of one example, row-major.
    public func values(of index: Int) -> ArraySlice<Float> {
        precondition(labels.indices.contains(index), "there is no example \(index) among \(count)")
        let size = valuesPerExample
        return values[index * size..<(index + 1) * size]
    }

    /// Some examples, in the order asked for; an index may come twice.
    public func subset(_ indices: [Int]) -> Examples {
        var chosen: [Float] = []
        chosen.reserveCapacity(indices.count * valuesPerExample)
        for index in indices { chosen += values(of: index) }
        return Examples(unchecked: shape, values: chosen, labels: indices.map { labels[$0] })
    }

    /// How many examples each class has, for classes from 0 to just below `classes`.
    public func counts(classes: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: classes)
        for label in labels where label < classes { counts[label] += 1 }
        return counts
    }

    /// Both, one behind the other.
    ///
    /// - Throws: ``DatasetError`` with `wrongShape` when their shapes differ.
    public static func + (first: Examples, second: Examples) throws -> Examples {
        guard first.shape == second.shape else {
            throw DatasetError(
                .wrongShape, "examples of shape \(first.shape) and \(second.shape) cannot be put together")
        }
        return Examples(
            unchecked: first.shape, values: first.values + second.values, labels: first.labels + second.labels)
    }
}
