import Learning

extension AbilityResult {
    /// The routing before and after the second stage of a prototype; `nil` where there was none.
    ///
    /// - Parameter name: The row, or the model, that it serves.
    init?(_ history: PrototypeHistory, of prototype: Prototype, name: String) {
        guard !history.before.isEmpty, history.before.count == history.after.count else { return nil }
        self.init(
            name: name, seed: prototype.seed, subTasks: prototype.data.subTaskNames,
            layers: zip(history.before, history.after).enumerated().map { number, maps in
                RoutingLayer(
                    name: maps.0.layer, before: maps.0.gates,
                    // The mapping leaves out the residual module, which serves everybody.
                    mapping: history.masks.indices.contains(number)
                        ? zip(history.masks[number].target, maps.0.gates).map { row, gates in
                            row + [Double](repeating: 0, count: max(0, gates.count - row.count))
                        } : nil,
                    after: maps.1.gates)
            })
    }
}
