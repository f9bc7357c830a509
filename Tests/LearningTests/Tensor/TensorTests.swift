import Learning
import Testing

@Suite("A tensor")
struct TensorTests {
    @Test("gives back the values it was made of, row by row")
    func values() throws {
        let tensor = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
        #expect(tensor.shape == [2, 3])
        #expect(tensor.count == 6)
        #expect(try tensor.transposed(0, 1).scalars() == [1, 4, 2, 5, 3, 6])
        #expect(try Tensor([7], shape: []).shape == [])
        #expect(try Tensor([7], shape: []).item() == 7)
        #expect(try Tensor([], shape: [0, 3]).scalars() == [])
        #expect(try Tensor.full([2], 2.5).scalars() == [2.5, 2.5])
        #expect(try Tensor(indices: [3, -1]).integers() == [3, -1])
        #expect(try Tensor(indices: []).integers() == [])
        #expect(tensor.description == "Tensor[2, 3]")
    }

    @Test("is read from bytes of any alignment, and written to them")
    func bytes() throws {
        let values: [Float] = [1.5, -2, 3]
        let unaligned: [UInt8] = [9] + values.withUnsafeBytes { Array($0) }
        let tensor = try unaligned.withUnsafeBytes {
            try Tensor(bytes: UnsafeRawBufferPointer(rebasing: $0[1...]), shape: [3])
        }
        #expect(try tensor.scalars() == values)
        var written = [UInt8](repeating: 9, count: 13)
        try written.withUnsafeMutableBytes {
            try tensor.copyBytes(into: UnsafeMutableRawBufferPointer(rebasing: $0[1...]))
        }
        #expect(written == unaligned)
        #expect(throws: LearningError.self) {
            try written.withUnsafeMutableBytes { try tensor.copyBytes(into: $0) }
        }
    }

    @Test("has memory of its own after a copy")
    func copies() throws {
        let tensor = try Tensor([1, 2], shape: [2])
        let copy = try tensor.copy()
        let view = try tensor.reshaped([1, 2])
        try tensor.assign(Tensor([5, 6], shape: [2]))
        #expect(try copy.scalars() == [1, 2])
        #expect(try view.scalars() == [5, 6])
    }

    @Test("changes in place under relu, unless it is a parameter")
    func reluInPlace() throws {
        let tensor = try Tensor([-1, 2], shape: [2])
        #expect(try tensor.reluInPlace() === tensor)
        #expect(try tensor.scalars() == [0, 2])
        #expect(throws: LearningError.self) { try tensor.requireGradient().reluInPlace() }
    }

    @Test("tells whether all its values are finite")
    func finiteness() throws {
        #expect(try Tensor([1, -Float.greatestFiniteMagnitude], shape: [2]).isFinite)
        #expect(try !Tensor([1, .nan], shape: [2]).isFinite)
        #expect(try !Tensor([-.infinity, 1], shape: [2]).isFinite)
        #expect(try Tensor([], shape: [0]).isFinite)
    }

    @Test("names its largest values, the lowest index first among equal ones")
    func largest() throws {
        let tensor = try Tensor([1, 3, 3, 0, 2, 2, 2, 2], shape: [2, 4])
        #expect(try tensor.argmax(dimension: 1) == [1, 0])
        #expect(try tensor.argmax(dimension: 0) == [1, 0, 0, 1])
        let top = try tensor.topIndices(3)
        #expect(top.shape == [2, 3])
        #expect(try top.integers() == [1, 2, 0, 0, 1, 2])
        #expect(try tensor.topMask(2).scalars() == [0, 1, 1, 0, 1, 1, 0, 0])
        #expect(try !tensor.requireGradient().topMask(2).requiresGradient)
        #expect(throws: LearningError.self) { try tensor.topIndices(5) }
        // As many equal values as a sort that is not stable would put in disorder.
        #expect(try Tensor.zeros([1000]).topIndices(1000).integers() == Array(0..<1000))
    }

    @Test("keeps the digits of the normal distribution far from its mean")
    func tail() throws {
        let probability = try Tensor([-6], shape: [1]).standardNormalCDF().item()
        #expect(abs(probability / 9.865876e-10 - 1) < 1e-4)
    }
}

@Suite("A tensor operation that cannot be done")
struct TensorRefusalTests {
    /// The error that a body throws.
    func refusal(_ body: () throws -> Tensor) throws -> LearningError {
        let error = #expect(throws: LearningError.self) { _ = try body() }
        return try #require(error)
    }

    @Test("says why in one line")
    func message() throws {
        let error = try refusal { try Tensor.zeros([2, 3]).linear(weight: Tensor.zeros([3, 2])) }
        #expect(error.code == .tensor)
        #expect(error.message == "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
        let second = try refusal { try Tensor.zeros([2]) + Tensor.zeros([3]) }
        #expect(second.message.contains("must match the size of tensor b (3)"))
        #expect(!second.message.contains("\n"))
    }

    @Test("is refused at its shape, type or index", arguments: Refused.all)
    func refusals(operation: Refused) throws {
        let error = try refusal(operation.body)
        #expect(error.code == .tensor)
        #expect(!error.message.isEmpty)
        #expect(!error.message.contains("\n"))
    }

    @Test("is refused when it reads the wrong kind of value")
    func reading() throws {
        #expect(throws: LearningError.self) { try Tensor.zeros([2]).integers() }
        #expect(throws: LearningError.self) { try Tensor.zeros([2]).item() }
        #expect(throws: LearningError.self) { try TensorRuntime.setThreads(0) }
    }
}

/// Something that tensors refuse.
struct Refused: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var body: @Sendable () throws -> Tensor

    init(_ description: String, _ body: @escaping @Sendable () throws -> Tensor) {
        testDescription = description
        self.body = body
    }

    static let all = [
        Refused("a count that is not the shape's") { try Tensor([1, 2, 3], shape: [2]) },
        Refused("a negative length") { try Tensor([], shape: [-1]) },
        Refused("a negative length for zeros") { try Tensor.zeros([2, -1]) },
        Refused("a shape whose count overflows") { try Tensor([], shape: [.max, 4]) },
        Refused("more values than there is room for") { try Tensor.zeros([1 << 20, 1 << 20, 1 << 30]) },
        Refused("a reshape to another count") { try Tensor.zeros([4]).reshaped([3]) },
        Refused("a dimension that there is not") { try Tensor.zeros([2]).softmax(dimension: 1) },
        Refused("a slice beyond the end") { try Tensor.zeros([4]).narrowed(dimension: 0, start: 3, length: 2) },
        Refused("an index out of bounds") { try Tensor.zeros([4]).selected(dimension: 0, indices: [4]) },
        Refused("gathered out of bounds") {
            try Tensor.zeros([4]).gathered(dimension: 0, indices: Tensor(indices: [-1]))
        },
        Refused("gathered by numbers") { try Tensor.zeros([4]).gathered(dimension: 0, indices: Tensor.zeros([1])) },
        Refused("a label that is no class") { try Tensor.zeros([1, 3]).crossEntropy(labels: [3]) },
        Refused("a label that libtorch would skip") { try Tensor.zeros([1, 3]).crossEntropy(labels: [-100]) },
        Refused("fewer labels than rows") { try Tensor.zeros([2, 3]).crossEntropy(labels: [0]) },
        Refused("a stride of one number") {
            try Tensor.zeros([1, 1, 3, 3]).convolution2D(weight: Tensor.zeros([1, 1, 1, 1]), stride: [1])
        },
        Refused("a stride of 0") { try Tensor.zeros([1, 1, 4, 4]).averagePool2D(kernel: [2, 2], stride: [0, 0]) },
        Refused("no groups") { try Tensor.zeros([1, 4]).groupNorm(groups: 0, weight: nil, bias: nil) },
        Refused("groups that do not divide") { try Tensor.zeros([1, 4]).groupNorm(groups: 3, weight: nil, bias: nil) },
        Refused("a mean without a variance") {
            try Tensor.zeros([2, 1]).batchNorm(weight: nil, bias: nil, mean: Tensor.zeros([1]))
        },
        Refused("an index made a parameter") { try Tensor(indices: [1]).requireGradient() },
    ]
}
