import ECLMCore
import Foundation

/// A directory of small data files whose values say which example they are; gone when the instance is.
final class DataDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "datasets-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A tensor to write.
    struct Tensor {
        var name: String
        var dtype: ElementType
        var shape: [Int]
        var bytes: [UInt8]

        static func floats(_ name: String, _ shape: [Int], _ values: [Float]) -> Tensor {
            Tensor(name: name, dtype: .f32, shape: shape, bytes: ElementType.f32.encode(values))
        }

        static func bytes(_ name: String, _ shape: [Int], _ values: [UInt8]) -> Tensor {
            Tensor(name: name, dtype: .u8, shape: shape, bytes: values)
        }
    }

    /// Writes a file, after a change for the worse where a test wants one.
    func write(_ name: String, classes: String, _ tensors: [Tensor], _ damage: (inout [Tensor]) -> Void) throws {
        var tensors = tensors
        damage(&tensors)
        var builder = SafetensorsBuilder(metadata: ["classes": classes])
        for tensor in tensors {
            try builder.add(
                TensorDescription(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape), bytes: tensor.bytes)
        }
        try Data(try builder.build()).write(to: URL(fileURLWithPath: "\(path)/\(name).safetensors"))
    }

    /// Thirty users with two recordings each; user 10 has 19, and 20 with 21. The means of the first three channels are
    /// the user, the recording and the window's number.
    func writeHar(
        windows perRecording: Int = 12, classes: String = "a,b,c", users count: Int = 30,
        damage: (inout [Tensor]) -> Void = { _ in }
    ) throws {
        var (values, labels, users, recordings) = ([Float](), [UInt8](), [UInt8](), [UInt8]())
        var recording = 0
        var noise = SplitMix64(seed: 4)
        for user in 1...count {
            for _ in 0..<(user == 10 ? 3 : 2) {
                recording += 1
                for window in 0..<perRecording {
                    labels.append(UInt8(window % 3))
                    users.append(UInt8(user))
                    recordings.append(UInt8(recording))
                    for _ in 0..<128 {
                        values += [Float(user), Float(recording), Float(window)]
                        values += (0..<3).map { _ in Float(noise.uniform()) }
                    }
                }
            }
        }
        let count = labels.count
        try write(
            "har", classes: classes,
            [
                .floats("windows", [count, 128, 6], values), .bytes("labels", [count], labels),
                .bytes("users", [count], users), .bytes("recordings", [count], recordings),
            ], damage)
    }

    /// Pictures whose first three pixels are their index, low byte first, and 255 for those of the test.
    func writeImages(
        perClass: Int = 100, testPerClass: Int = 30, classes: Int = 4, damage: (inout [Tensor]) -> Void = { _ in }
    ) throws {
        func pictures(_ prefix: String, _ perClass: Int, mark: UInt8) -> [Tensor] {
            let count = perClass * classes
            var pixels = [UInt8](repeating: 0, count: count * 784)
            for index in 0..<count {
                pixels[index * 784] = UInt8(index & 255)
                pixels[index * 784 + 1] = UInt8(index >> 8)
                pixels[index * 784 + 2] = mark
            }
            return [
                .bytes("\(prefix)_images", [count, 28, 28], pixels),
                .bytes("\(prefix)_labels", [count], (0..<count).map { UInt8($0 % classes) }),
            ]
        }
        try write(
            "images", classes: (0..<classes).map { "c\($0)" }.joined(separator: ","),
            pictures("train", perClass, mark: 0) + pictures("test", testPerClass, mark: 255), damage)
    }

    /// Utterances of two spoken frames, in all coefficients 1 plus the index and 3 plus the index.
    func writeSpeech(perClass: Int = 50, damage: (inout [Tensor]) -> Void = { _ in }) throws {
        let count = perClass * 2
        var values = [Float](repeating: 0, count: count * 92 * 13)
        for index in 0..<count {
            for coefficient in 0..<13 {
                values[index * 92 * 13 + coefficient] = Float(1 + index)
                values[index * 92 * 13 + 13 + coefficient] = Float(3 + index)
            }
        }
        try write(
            "speech", classes: "no,yes",
            [
                .floats("features", [count, 92, 13], values),
                .bytes("lengths", [count], [UInt8](repeating: 2, count: count)),
                .bytes("labels", [count], (0..<count).map { UInt8($0 % 2) }),
            ], damage)
    }
}
