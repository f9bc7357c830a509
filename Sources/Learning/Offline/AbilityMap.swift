/// How much each module of a layer does for each sub-task: the matrix H of ability enhancing (paper section 2), and the
/// measure of what stage 2 changed.
public struct AbilityMap: Codable, Hashable, Sendable {
    /// The layer's name.
    public var layer: String
    /// Mean gates, a row a sub-task; the residual module, where there is one, is the last column.
    public var gates: [[Double]]

    public init(layer: String, gates: [[Double]]) {
        self.layer = layer
        self.gates = gates
    }

    /// The maps of all layers: means of the selector's gates over the examples of each sub-task, over all modules.
    ///
    /// - Parameter topK: Modules an example keeps; `nil` for the specification's, and the number of modules for the plain
    ///   softmax.
    public static func measure(
        _ selector: Selector, on data: PrototypeData, topK: Int? = nil, batch: Int = 512
    ) throws -> [AbilityMap] {
        let layers = selector.specification.layers
        let subTasks = data.subTaskNames.count
        var sums = layers.map { [[Double]](repeating: [Double](repeating: 0, count: $0.choices), count: subTasks) }
        var counts = [Double](repeating: 0, count: subTasks)
        try Tensor.withoutGradient {
            for start in stride(from: 0, to: data.training.count, by: batch) {
                let rows = start..<min(start + batch, data.training.count)
                for row in rows { counts[data.subTasks[row]] += 1 }
                let gates = try selector.gates(data.training.batch(rows), topK: topK)
                for (layer, gates) in gates.enumerated() {
                    let width = layers[layer].choices
                    let values = try gates.scalars()
                    for (position, row) in rows.enumerated() {
                        let subTask = data.subTasks[row]
                        for module in 0..<width {
                            sums[layer][subTask][module] += Double(values[position * width + module])
                        }
                    }
                }
            }
        }
        return zip(layers, sums).map { layer, sums in
            AbilityMap(
                layer: layer.name,
                gates: zip(sums, counts).map { row, count in row.map { count > 0 ? $0 / count : 0 } })
        }
    }
}
