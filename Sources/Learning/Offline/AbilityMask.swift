/// Which modules of a layer are to serve which sub-task, and with what share: the mask M and the target P of ability
/// enhancing (paper section 2).
public struct AbilityMask: Codable, Hashable, Sendable {
    /// The layer's name.
    public var layer: String
    /// Whether a sub-task is given a module; a row a sub-task, shrunk modules only.
    public var mask: [[Bool]]
    /// P = H · M with rows that sum to 1.
    public var target: [[Double]]
    /// κ1 as it was used: raised until every sub-task could have a module.
    public var moduleLoad: Double
    /// Whether no better mask exists, up to the solver's gap; else its time was over.
    public var isOptimal: Bool

    /// The mask that keeps as much of the gates as it can: max Σ H·M, so that no module gets more than κ1 of them, and
    /// every sub-task at least one module and at most κ2.
    ///
    /// The paper has no lower bound; without one a sub-task could be left without a target. Where κ1 is too tight for it,
    /// κ1 grows by a quarter at a time.
    ///
    /// - Parameters:
    ///   - map: H; its residual module, a last column beyond `modules`, is left out: it is cheap and serves everybody.
    ///   - modules: The shrunk modules of the layer.
    ///   - load: κ1 in units of T / N.
    ///   - perSubTask: κ2.
    /// - Throws: ``LearningError`` with `solver`; with `data` for a map without sub-tasks or modules.
    public static func solve(
        _ map: AbilityMap, modules: Int, load: Double, perSubTask: Int, limits: MixedIntegerProgram.Limits
    ) throws -> AbilityMask {
        let gates = map.gates.map { $0.prefix(modules).map { $0.isFinite ? max(0, $0) : 0 } }
        guard !gates.isEmpty, modules > 0, gates.allSatisfy({ $0.count == modules }) else {
            throw LearningError(.data, "layer \(map.layer) has no gates to make a mask of")
        }
        // Rows whose gates all went to the residual module have no preference.
        let preferences = gates.map {
            $0.contains { $0 > 0 } ? $0 : [Double](repeating: 1 / Double(modules), count: modules)
        }
        var kappa = load * Double(gates.count) / Double(modules)
        while true {
            do {
                let program = program(preferences, load: kappa, perSubTask: min(perSubTask, modules))
                let solution = try program.maximized(limits)
                return AbilityMask(
                    layer: map.layer, solution, preferences: preferences, moduleLoad: kappa)
            } catch let error as LearningError where error.code == .infeasible && kappa < Double(gates.count) {
                kappa *= 1.25
            }
        }
    }

    private static func program(
        _ gates: [[Double]], load: Double, perSubTask: Int
    ) -> MixedIntegerProgram {
        var program = MixedIntegerProgram()
        let variables = gates.map { row in row.map { program.add(.binary(objective: $0)) } }
        for module in gates[0].indices {
            program.add(
                .init(gates.indices.map { .init(gates[$0][module], of: variables[$0][module]) }, maximum: load))
        }
        for row in variables {
            program.add(.init(row.map { .init(1, of: $0) }, minimum: 1, maximum: Double(perSubTask)))
        }
        return program
    }

    private init(
        layer: String, _ solution: MixedIntegerProgram.Solution, preferences: [[Double]], moduleLoad: Double
    ) {
        self.layer = layer
        self.moduleLoad = moduleLoad
        isOptimal = solution.isOptimal
        let width = preferences[0].count
        let chosen = preferences.indices.map { row in
            (0..<width).map { solution.values[row * width + $0] > 0.5 }
        }
        target = zip(preferences, chosen).map { gates, chosen in
            let kept = zip(gates, chosen).map { $1 ? $0 : 0 }
            let sum = kept.reduce(0, +)
            // A module without gates counts only where the mask gives nothing else.
            return sum > 0 ? kept.map { $0 / sum } : chosen.map { $0 ? 1 / Double(chosen.filter { $0 }.count) : 0 }
        }
        mask = target.map { $0.map { $0 > 0 } }
    }
}
