import ECLMCore
import Learning
import Testing

@Suite("Gradients")
struct GradientTests {
    @Test("add up until they are cleared")
    func accumulation() throws {
        let parameter = try Tensor([2, 3], shape: [2]).requireGradient()
        #expect(try parameter.gradient() == nil)
        try parameter.squared().sum().backward()
        try parameter.squared().sum().backward()
        #expect(try parameter.gradient()?.scalars() == [8, 12])
        try parameter.clearGradient()
        #expect(try parameter.gradient() == nil)
    }

    @Test("do not flow through copies")
    func detachment() throws {
        let parameter = try Tensor([2, 3], shape: [2]).requireGradient()
        #expect(try !parameter.copy().requiresGradient)
        try (parameter * parameter.copy() + parameter.copy()).sum().backward()
        #expect(try parameter.gradient()?.scalars() == [2, 3])
    }

    struct Stop: Error {}

    func isRecorded(_ parameter: Tensor) throws -> Bool { try parameter.squared().requiresGradient }

    @Test("are not recorded where that is switched off, and again afterwards, also after an error")
    func switchedOff() throws {
        let parameter = try Tensor([2, 3], shape: [2]).requireGradient()
        var seen: [Bool] = []
        do {
            try Tensor.withoutGradient {
                seen.append(try isRecorded(parameter))
                seen.append(try Tensor.withoutGradient { try isRecorded(parameter) })
                seen.append(try isRecorded(parameter))
                throw Stop()
            }
        } catch is Stop {
            seen.append(try isRecorded(parameter))
        }
        #expect(seen == [false, false, false, true])
    }

    @Test("start from one value only, and walk a record once")
    func backwardRefusals() throws {
        let parameter = try Tensor([2, 3], shape: [2]).requireGradient()
        #expect(throws: LearningError.self) { try parameter.squared().backward() }
        #expect(throws: LearningError.self) { try Tensor.zeros([]).backward() }
        let loss = try parameter.squared().sum()
        try loss.backward()
        #expect(throws: LearningError.self) { try loss.backward() }
    }

    @Test("survive an assignment, which is not recorded and never broadcasts")
    func assignment() throws {
        let parameter = try Tensor([2, 3], shape: [2]).requireGradient()
        let source = try Tensor([5, 7], shape: [2])
        try parameter.assign(source)
        try source.assign(Tensor.zeros([2]))
        #expect(try parameter.scalars() == [5, 7])
        #expect(parameter.requiresGradient)
        try parameter.squared().sum().backward()
        #expect(try parameter.gradient()?.scalars() == [10, 14])
        #expect(throws: LearningError.self) { try parameter.assign(Tensor.zeros([1])) }
    }

    @Test("are kept from a masked infinity")
    func maskedInfinity() throws {
        let scores = try Tensor([1, 2, 3], shape: [1, 3]).requireGradient()
        let gates = try scores.whereMask(Tensor([0, 1, 1], shape: [1, 3]), else: -.infinity).softmax(dimension: 1)
        #expect(try gates.scalars()[0] == 0)
        try gates.narrowed(dimension: 1, start: 1, length: 1).sum().backward()
        let gradient = try #require(try scores.gradient())
        #expect(try gradient.isFinite)
        #expect(try gradient.scalars()[0] == 0)
    }

    @Test("train a small network, to the same weights in every run")
    func training() throws {
        try TensorRuntime.setThreads(1)
        func train() throws -> (loss: Float, weights: [Float]) {
            var random = SplitMix64(seed: 1)
            func parameter(_ shape: [Int]) throws -> Tensor {
                let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }
                return try Tensor(values, shape: shape).requireGradient()
            }
            let parameters = try [parameter([8, 2]), parameter([8]), parameter([2, 8]), parameter([2])]
            let states = try parameters.map { (try Tensor.zeros($0.shape), try Tensor.zeros($0.shape)) }
            let inputs = try Tensor([0, 0, 0, 1, 1, 0, 1, 1], shape: [4, 2])
            var loss: Float = .infinity
            for step in 1...200 {
                let output = try inputs.linear(weight: parameters[0], bias: parameters[1]).tanh()
                    .linear(weight: parameters[2], bias: parameters[3]).crossEntropy(labels: [0, 1, 1, 0])
                try output.backward()
                loss = try output.item()
                for (parameter, state) in zip(parameters, states) {
                    try OptimizerStep.adam(
                        parameter: parameter, gradient: #require(try parameter.gradient()), first: state.0,
                        second: state.1, step: step, rate: 0.05)
                    try parameter.clearGradient()
                }
            }
            return (loss, try parameters.flatMap { try $0.scalars() })
        }
        let first = try train()
        let second = try train()
        #expect(first.loss < 0.05)
        #expect(first.weights == second.weights)
    }
}
