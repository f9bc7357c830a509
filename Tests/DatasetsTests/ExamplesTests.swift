import Datasets
import ECLMCore
import Foundation
import Testing

@Suite("Examples")
struct ExamplesTests {
    private func some() throws -> Examples {
        try Examples(shape: [1, 2], values: [0, 1, 2, 3, 4, 5], labels: [7, 8, 9])
    }

    @Test("give their parts")
    func parts() throws {
        let examples = try some()
        #expect(examples.count == 3)
        #expect(Array(examples.values(of: 1)) == [2, 3])
        let subset = examples.subset([2, 0, 2])
        #expect(subset.values == [4, 5, 0, 1, 4, 5])
        #expect(subset.labels == [9, 7, 9])
        let both = try examples + subset
        #expect(both.count == 6 && both.labels.last == 9)
        #expect(examples.counts(classes: 9) == [0, 0, 0, 0, 0, 0, 0, 1, 1])
    }

    @Test("are refused when sizes, values or labels are wrong")
    func refusals() throws {
        #expect(code { try Examples(shape: [2], values: [1], labels: [0]) } == .wrongShape)
        #expect(code { try Examples(shape: [0], values: [], labels: [0]) } == .wrongShape)
        #expect(code { try Examples(shape: [.max, 2], values: [], labels: []) } == .wrongShape)
        #expect(code { try Examples(shape: [1], values: [.nan], labels: [0]) } == .notFinite)
        #expect(code { try Examples(shape: [1], values: [-.infinity], labels: [0]) } == .notFinite)
        #expect(code { try Examples(shape: [1], values: [1], labels: [-1]) } == .labelOutOfRange)
        let other = try Examples(shape: [2], values: [1, 2], labels: [0])
        #expect(code { try some() + other } == .wrongShape)
    }

    @Test("come back from a file as they were, and are the same bytes again")
    func file() throws {
        let directory = try DataDirectory()
        let path = directory.path + "/local.safetensors"
        let examples = try Examples(shape: [1, 2], values: [0, -1, .leastNonzeroMagnitude, 3], labels: [300, 0])
        try examples.write(file: path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try Examples.from(file: path) == examples)
        try Examples.from(file: path).write(file: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
        let empty = try Examples(shape: [3], values: [], labels: [])
        try empty.write(file: path)
        #expect(try Examples.from(file: path) == empty)
    }

    @Test("are not read from files that are missing or damaged")
    func badFiles() throws {
        let directory = try DataDirectory()
        let path = directory.path + "/bad.safetensors"
        #expect(code { try Examples.from(file: path) } == .missingFile)
        func read(_ tensors: [DataDirectory.Tensor]) throws -> DatasetError.Code? {
            try directory.write("bad", classes: "", tensors) { _ in }
            return code { try Examples.from(file: path) }
        }
        let values = DataDirectory.Tensor.floats("values", [2, 1], [1, 2])
        let labels = DataDirectory.Tensor.bytes("labels", [2], [0, 1])
        #expect(try read([values, labels]) == nil)
        #expect(try read([values]) == .invalidFile)
        #expect(try read([labels]) == .invalidFile)
        #expect(try read([values, .bytes("labels", [1], [0])]) == .wrongShape)
        #expect(try read([.bytes("values", [2, 1], [1, 2]), labels]) == .wrongShape)
        #expect(try read([.floats("values", [2], [1, 2]), labels]) == .wrongShape)
        #expect(try read([.floats("values", [2, 1], [1, .nan]), labels]) == .notFinite)
        let negative = DataDirectory.Tensor(
            name: "labels", dtype: .i32, shape: [2], bytes: [1, 0, 0, 0, 255, 255, 255, 255])
        #expect(try read([values, negative]) == .labelOutOfRange)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
        #expect(code { try Examples.from(file: path) } == .invalidFile)
        #expect(code { try Examples.from(file: path + "/below").write(file: "x") } == .missingFile)
        #expect(
            code {
                try Examples(shape: [1], values: [], labels: []).write(file: directory.path + "/none/local.safetensors")
            } == .cannotWrite)
    }
}
