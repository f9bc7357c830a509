/// Changes parameters by their gradients.
public struct Optimizer {
    /// The parameters that it changes.
    public let parameters: [Parameter]
    private let settings: TrainingSettings
    /// The first and second moments of each parameter, for checkpoints; the second is empty for `sgd`.
    public private(set) var first: [Tensor] = []
    /// See ``first``.
    public private(set) var second: [Tensor] = []
    /// Steps made.
    public private(set) var steps = 0
    private let anchors: [Tensor]

    /// An optimiser over parameters, at its start.
    public init(_ parameters: [Parameter], settings: TrainingSettings) throws {
        self.parameters = parameters
        self.settings = try settings.validated()
        let needsMomentum = settings.optimization == .adam || settings.momentum > 0
        if needsMomentum { first = try parameters.map { try Tensor.zeros($0.tensor.shape) } }
        if settings.optimization == .adam { second = try parameters.map { try Tensor.zeros($0.tensor.shape) } }
        anchors = settings.proximal > 0 ? try parameters.map { try $0.tensor.copy() } : []
    }

    /// Goes on where another optimiser stopped.
    ///
    /// - Throws: ``LearningError`` with `checkpoint` when the moments are not of these parameters.
    public mutating func restore(first: [Tensor], second: [Tensor], steps: Int) throws {
        guard first.map(\.shape) == self.first.map(\.shape), second.map(\.shape) == self.second.map(\.shape), steps >= 0
        else { throw LearningError(.checkpoint, "the optimiser's state is not of this network") }
        for (own, other) in zip(self.first + self.second, first + second) { try own.assign(other) }
        self.steps = steps
    }

    /// Makes a step with the gradients that the parameters hold, and clears them.
    ///
    /// - Parameter scale: A factor on the learning rate, for schedules.
    public mutating func step(scale: Float = 1) throws {
        steps += 1
        let gradients = try parameters.map { try $0.tensor.gradient() }
        var factor: Float = 1
        if let clip = settings.clipNorm {
            var square: Float = 0
            for case let gradient? in gradients { square += try gradient.squared().sum().item() }
            let norm = square.squareRoot()
            if norm > clip { factor = clip / norm }
        }
        for (number, parameter) in parameters.enumerated() {
            guard var gradient = gradients[number] else { continue }
            try Tensor.withoutGradient {
                if factor != 1 { gradient = try gradient * factor }
                if !anchors.isEmpty {
                    gradient = try gradient + (parameter.tensor - anchors[number]) * settings.proximal
                }
                switch settings.optimization {
                case .sgd:
                    try OptimizerStep.sgd(
                        parameter: parameter.tensor, gradient: gradient,
                        momentumBuffer: first.isEmpty ? nil : first[number],
                        rate: Double(settings.rate * scale), momentum: Double(settings.momentum),
                        weightDecay: Double(settings.weightDecay))
                case .adam:
                    try OptimizerStep.adam(
                        parameter: parameter.tensor, gradient: gradient, first: first[number], second: second[number],
                        step: steps, rate: Double(settings.rate * scale), beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
                        weightDecay: Double(settings.weightDecay))
                }
            }
            try parameter.tensor.clearGradient()
        }
    }
}
