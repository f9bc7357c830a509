import Registry

/// Makes a module's next version of its current one and a round's aggregate (Reddi et al., 2021, "Adaptive Federated
/// Optimization", algorithm 2; Hsu et al., 2019, for the momentum).
///
/// With x the current version, w the aggregate and d = w - x, element by element:
///
/// - `fedavgm`: m ← momentum · m + d; x' = x + learning_rate · m
/// - `fedadam`: m ← beta1 · m + (1 - beta1) · d; v ← beta2 · v + (1 - beta2) · d²
/// - `fedyogi`: m as before; v ← v - (1 - beta2) · d² · sign(v - d²)
///
/// and for the last two x' = x + learning_rate · m / (√v + tau). m begins with 0 and v with tau².
struct ServerOptimizer: Sendable, Hashable {
    /// What a step is made of.
    enum Method: Sendable, Hashable {
        case momentum(Double)
        case adam(Adaptive)
        case yogi(Adaptive)
    }

    /// The numbers of the adaptive methods.
    struct Adaptive: Sendable, Hashable {
        var beta1: Double
        var beta2: Double
        var tau: Double
    }

    /// The name in policies and in `eclm.optimizer_states`.
    let name: String
    let learningRate: Double
    let method: Method

    /// What it remembers of each weight, and what that begins with.
    var moments: [(name: String, start: Double)] {
        switch method {
        case .momentum: [("m", 0)]
        case .adam(let numbers), .yogi(let numbers): [("m", 0), ("v", numbers.tau * numbers.tau)]
        }
    }

    /// Makes a step with some weights.
    ///
    /// - Parameters:
    ///   - base: The current version's.
    ///   - values: The aggregate's; the next version's afterwards.
    ///   - moments: What is remembered, in the order of ``moments``.
    func step(_ base: [Double], _ values: inout [Double], _ moments: inout [[Double]]) {
        let largest = Double.greatestFiniteMagnitude
        for position in base.indices {
            // Two finite weights may lie farther apart than numbers reach.
            let change = min(max(values[position] - base[position], -largest), largest)
            let move: Double
            switch method {
            case .momentum(let share):
                let first = share * moments[0][position] + change
                moments[0][position] = first
                move = learningRate * first
            case .adam(let numbers), .yogi(let numbers):
                let first = numbers.beta1 * moments[0][position] + (1 - numbers.beta1) * change
                let square = min(change * change, largest)
                var second = moments[1][position]
                if case .adam = method {
                    second = numbers.beta2 * second + (1 - numbers.beta2) * square
                } else if second != square {
                    second += (second > square ? -1 : 1) * (1 - numbers.beta2) * square
                }
                moments[0][position] = first
                moments[1][position] = second
                move = learningRate * first / (second.squareRoot() + numbers.tau)
            }
            // A weight that does not move keeps its very bits, the sign of zero included.
            values[position] = move == 0 ? base[position] : base[position] + move
        }
    }
}

extension OptimizerSpecification {
    /// The optimizer that the specification names; `nil` where the version is the aggregate.
    ///
    /// - Throws: ``TrainerError`` with `registryUnfit` for an optimizer that this trainer does not have.
    func optimizer() throws(TrainerError) -> ServerOptimizer? {
        func number(_ name: String) -> Double { value(name) ?? 0 }
        var adaptive: ServerOptimizer.Adaptive {
            ServerOptimizer.Adaptive(beta1: number("beta1"), beta2: number("beta2"), tau: number("tau"))
        }
        let method: ServerOptimizer.Method
        switch kind.name {
        case "none": return nil
        case "fedavgm": method = .momentum(number("momentum"))
        case "fedadam": method = .adam(adaptive)
        case "fedyogi": method = .yogi(adaptive)
        default:
            throw TrainerError(
                .registryUnfit, "this trainer has no optimizer \(kind.name); update it, or set another policy")
        }
        return ServerOptimizer(name: kind.name, learningRate: number("learning_rate"), method: method)
    }
}
