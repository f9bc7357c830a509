import Datasets
import ECLMCore
import Foundation
import Testing

@Suite("The real data sets")
struct RealDataTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../data").standardizedFileURL.path

    private func task(_ settings: TaskSettings) throws -> FederatedTask {
        let path = "\(Self.directory)/\(settings.dataset.rawValue).safetensors"
        try #require(FileManager.default.fileExists(atPath: path), "there is no \(path); run make data")
        return try FederatedTask.make(settings, directory: Self.directory)
    }

    @Test("of activities: linear classification of the features tells those of unseen users")
    func activities() throws {
        let task = try task(TaskSettings(dataset: .har, skew: .user))
        #expect(task.devices.count == 21)
        #expect(task.proxy.count + task.proxyValidation.count > 2500)
        var tests = task.devices[0].test
        for device in task.devices.dropFirst() { tests = try tests + device.test }
        let accuracy = LogisticRegression(task.proxy, classes: 6).accuracy(on: tests)
        print("logistic regression on the activities of \(task.devices.count) unseen users: \(accuracy)")
        #expect(accuracy > 0.85)
        for device in task.devices { #expect((50...150).contains(device.train.count)) }
    }

    @Test("of pictures give 50 devices with two classes each")
    func pictures() throws {
        let task = try task(TaskSettings(dataset: .images, skew: .classes(2), devices: 50, proxyLimit: 2000))
        #expect(task.devices.allSatisfy { $0.classes.count == 2 && $0.test.count == 250 })
        #expect(task.exampleShape == [1, 28, 28])
        #expect(task.proxy.count == 1600)
        let accuracy = LogisticRegression(task.proxy, classes: 10).accuracy(on: task.proxyValidation)
        #expect(accuracy > 0.7)
    }

    @Test("of words give some devices with five classes each")
    func words() throws {
        let task = try task(TaskSettings(dataset: .speech, skew: .classes(5)))
        #expect(task.devices.count > 10)
        #expect(task.proxy.count == 580)
        let accuracy = LogisticRegression(task.proxy, classes: 10).accuracy(on: task.proxyValidation)
        #expect(accuracy > 0.6)
    }
}

/// Multinomial logistic regression by stochastic gradient descent: the plainest classifier there is.
private struct LogisticRegression {
    private var weights: [Float]
    private let width: Int
    private let classes: Int

    init(_ examples: Examples, classes: Int, passes: Int = 6, rate: Float = 0.003) {
        width = examples.valuesPerExample
        self.classes = classes
        weights = [Float](repeating: 0, count: classes * (width + 1))
        var generator = SplitMix64(seed: 1)
        for _ in 0..<passes {
            for index in generator.shuffled(0..<examples.count) {
                var gradient = scores(examples, index)
                let largest = gradient.max() ?? 0
                gradient = gradient.map { exp($0 - largest) }
                let sum = gradient.reduce(0, +)
                for label in 0..<classes {
                    let step = rate * (gradient[label] / sum - (label == examples.labels[index] ? 1 : 0))
                    add(-step, examples, index, to: label)
                }
            }
        }
    }

    func accuracy(on examples: Examples) -> Double {
        let right = (0..<examples.count).count { index in
            let scores = scores(examples, index)
            return scores.firstIndex(of: scores.max() ?? 0) == examples.labels[index]
        }
        return Double(right) / Double(examples.count)
    }

    private func scores(_ examples: Examples, _ index: Int) -> [Float] {
        weights.withUnsafeBufferPointer { weights in
            examples.values.withUnsafeBufferPointer { values in
                (0..<classes).map { label in
                    let (row, input) = (weights.baseAddress! + label * (width + 1), values.baseAddress! + index * width)
                    var sum = row[width]
                    var position = 0
                    while position < width {
                        sum += row[position] * input[position]
                        position &+= 1
                    }
                    return sum
                }
            }
        }
    }

    private mutating func add(_ scale: Float, _ examples: Examples, _ index: Int, to label: Int) {
        weights.withUnsafeMutableBufferPointer { weights in
            examples.values.withUnsafeBufferPointer { values in
                let (row, input) = (weights.baseAddress! + label * (width + 1), values.baseAddress! + index * width)
                row[width] += scale
                var position = 0
                while position < width {
                    row[position] += scale * input[position]
                    position &+= 1
                }
            }
        }
    }
}
