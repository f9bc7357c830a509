/// What the selector says of each example: one gate a module of every layer.
///
/// A device gets them with the selector alone, before it holds any module (paper section 1: one small network, apart from
/// the model).
public struct SelectorScores: Hashable, Sendable, Codable {
    /// The number of modules of each layer, a bypass included.
    public let layers: [Int]
    /// Row-major, one row an example: the gates of the first layer's modules, then of the next; each layer's sum is 1.
    public let gates: [Float]

    /// The gates in a row.
    public var width: Int { layers.reduce(0, +) }
    /// The number of examples.
    public var count: Int { width == 0 ? 0 : gates.count / width }

    /// - Throws: ``LearningError`` with `data` when the gates do not fill whole rows, or one is no number from 0 to 1.
    public init(layers: [Int], gates: [Float]) throws {
        let width = layers.reduce(0, +)
        guard !layers.isEmpty, layers.allSatisfy({ $0 > 0 }), gates.count % width == 0, !gates.isEmpty else {
            throw LearningError(.data, "\(gates.count) gates do not fill rows of layers with \(layers) modules")
        }
        guard gates.allSatisfy({ (0...1.001).contains($0) }) else {
            throw LearningError(
                .data, "the selector gives gates that are no numbers from 0 to 1: its weights are damaged or diverged")
        }
        self.layers = layers
        self.gates = gates
    }

    /// Scores from a file; checked as by ``init(layers:gates:)``.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            layers: try container.decode([Int].self, forKey: .layers),
            gates: try container.decode([Float].self, forKey: .gates))
    }

    private enum CodingKeys: String, CodingKey { case layers, gates }

    /// The importance of each module: its mean gate over the examples (paper section 2), layer by layer in index order.
    public var importances: [[Double]] {
        let width = width
        var sums = [Double](repeating: 0, count: width)
        for (position, gate) in gates.enumerated() { sums[position % width] += Double(gate) }
        var start = 0
        return layers.map { modules in
            defer { start += modules }
            return sums[start..<(start + modules)].map { $0 / Double(count) }
        }
    }
}
