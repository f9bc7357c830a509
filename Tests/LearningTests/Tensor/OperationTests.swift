import Learning
import Testing

@Suite("Every operation and its gradient")
struct OperationTests {
    @Test("agrees with PyTorch", arguments: Operation.all)
    func agreesWithPyTorch(operation: Operation) throws {
        let expected = try #require(try TorchReference.answer.get().operations[operation.name])
        let actual = try operation.evaluate()
        #expect(actual.shape == expected.shape)
        #expect(agree(actual.output, expected.output, within: 2e-6))
        #expect(actual.gradients.count == expected.gradients.count)
        for (actual, expected) in zip(actual.gradients, expected.gradients) {
            #expect(agree(actual, expected, within: 5e-6))
        }
    }

    @Test("agrees with central differences of its values", arguments: Operation.all)
    func agreesWithCentralDifferences(operation: Operation) throws {
        let inputs = operation.inputs
        let gradients = try operation.evaluate().gradients
        // A step of 2^-7 weighs float32's rounding of the outputs (some 1e-7 / 2^-7) against the third derivative.
        let step: Float = 0x1p-7
        for (input, gradient) in gradients.enumerated() {
            let differences = try inputs[input].indices.map { index in
                var above = inputs, below = inputs
                above[input][index] += step
                below[input][index] -= step
                let run = Double(above[input][index]) - Double(below[input][index])
                return Float(try (operation.weightedSum(above) - operation.weightedSum(below)) / run)
            }
            #expect(agree(gradient, differences, within: 2e-3), "input \(input): \(gradient) and \(differences)")
        }
    }

    @Test("has a name of its own")
    func names() {
        #expect(Set(Operation.all.map(\.name)).count == Operation.all.count)
    }
}
