import Learning
import Testing

@Suite("Steps of optimisation")
struct OptimizerStepTests {
    /// Twenty steps down the loss that the reference has.
    func descend(_ step: (_ parameter: Tensor, _ gradient: Tensor, _ number: Int) throws -> Void) throws -> [Float] {
        let parameter = try Tensor([-1, 0.25, 0.5, 2], shape: [4]).requireGradient()
        for number in 1...20 {
            try parameter.clearGradient()
            try (parameter.exponential() - 2 * parameter + parameter.squared() / 4).sum().backward()
            try step(parameter, #require(try parameter.gradient()), number)
        }
        return try parameter.scalars()
    }

    func expected(_ name: String) throws -> [Float] { try #require(try TorchReference.answer.get().steps[name]) }

    @Test("of stochastic gradient descent are PyTorch's")
    func sgd() throws {
        let actual = try descend { parameter, gradient, _ in
            try OptimizerStep.sgd(parameter: parameter, gradient: gradient, rate: 0.1)
        }
        #expect(agree(actual, try expected("sgd"), within: 1e-6))
    }

    @Test("with momentum and weight decay are PyTorch's")
    func momentum() throws {
        let buffer = try Tensor.zeros([4])
        let actual = try descend { parameter, gradient, _ in
            try OptimizerStep.sgd(
                parameter: parameter, gradient: gradient, momentumBuffer: buffer, rate: 0.05, momentum: 0.9,
                weightDecay: 0.01)
        }
        #expect(agree(actual, try expected("momentum"), within: 1e-6))
    }

    @Test("of Adam are PyTorch's")
    func adam() throws {
        let first = try Tensor.zeros([4])
        let second = try Tensor.zeros([4])
        let actual = try descend { parameter, gradient, number in
            try OptimizerStep.adam(
                parameter: parameter, gradient: gradient, first: first, second: second, step: number, rate: 0.1)
        }
        #expect(agree(actual, try expected("adam"), within: 5e-6))
    }

    @Test("of Adam with decoupled weight decay are PyTorch's")
    func adamW() throws {
        let first = try Tensor.zeros([4])
        let second = try Tensor.zeros([4])
        let actual = try descend { parameter, gradient, number in
            try OptimizerStep.adam(
                parameter: parameter, gradient: gradient, first: first, second: second, step: number, rate: 0.05,
                beta1: 0.8, beta2: 0.95, epsilon: 1e-4, weightDecay: 0.1)
        }
        #expect(agree(actual, try expected("adamw"), within: 5e-6))
    }

    @Test("take a gradient of any strides, but change only what lies row by row")
    func strides() throws {
        let parameter = try Tensor.zeros([2, 3])
        let gradient = try Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2]).transposed(0, 1)
        try OptimizerStep.sgd(parameter: parameter, gradient: gradient, rate: 1)
        #expect(try parameter.scalars() == [-1, -3, -5, -2, -4, -6])
        #expect(throws: LearningError.self) {
            try OptimizerStep.sgd(
                parameter: parameter.transposed(0, 1), gradient: Tensor.zeros([3, 2]), rate: 1)
        }
    }

    @Test("refuse what does not fit, and change nothing")
    func refusals() throws {
        let parameter = try Tensor([1, 2], shape: [2])
        let other = try Tensor.zeros([3])
        let gradient = try Tensor([1, 1], shape: [2])
        #expect(throws: LearningError.self) {
            try OptimizerStep.sgd(parameter: parameter, gradient: other, rate: 1)
        }
        #expect(throws: LearningError.self) {
            try OptimizerStep.sgd(
                parameter: parameter, gradient: gradient, momentumBuffer: other, rate: 1, momentum: 0.9)
        }
        #expect(throws: LearningError.self) {
            try OptimizerStep.sgd(parameter: parameter, gradient: gradient, rate: 1, momentum: 0.9)
        }
        #expect(throws: LearningError.self) {
            try OptimizerStep.adam(
                parameter: parameter, gradient: gradient, first: Tensor.zeros([2]), second: other, step: 1, rate: 1)
        }
        #expect(throws: LearningError.self) {
            try OptimizerStep.adam(
                parameter: parameter, gradient: gradient, first: Tensor.zeros([2]), second: Tensor.zeros([2]), step: 0,
                rate: 1)
        }
        #expect(try parameter.scalars() == [1, 2])
    }

    @Test("are noticed by a record that needs the values from before")
    func staleRecord() throws {
        let parameter = try Tensor([1, 2], shape: [2]).requireGradient()
        let loss = try parameter.squared().sum()
        try OptimizerStep.sgd(parameter: parameter, gradient: Tensor([1, 1], shape: [2]), rate: 1)
        #expect(throws: LearningError.self) { try loss.backward() }
    }
}
