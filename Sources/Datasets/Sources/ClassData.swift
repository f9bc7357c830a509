import ECLMCore

/// A data set that tells no users apart: raw examples, and which are for training and which for tests.
struct ClassData {
    let dataset: Dataset
    let path: String
    let classNames: [String]
    /// The indices of each class's training examples, and of its test examples.
    let training: [[Int]]
    let test: [[Int]]
    /// The sources of both, normalised by what the given training examples have.
    let normalised: @Sendable ([Int]) -> (training: ExampleSource, test: ExampleSource, Normalisation)

    /// The indices of each class.
    static func byClass(_ labels: [Int], classes: Int) -> [[Int]] {
        var result = [[Int]](repeating: [], count: classes)
        for (index, label) in labels.enumerated() { result[label].append(index) }
        return result
    }
}

extension ClassData {
    /// `images.safetensors`: [1, 28, 28] each; the file says which are for tests.
    static func images(directory: String) throws -> ClassData {
        let file = try DataFile(.images, directory: directory)
        let names = try file.classNames()
        let side = 28
        let pixels = try file.bytes("train_images", shape: [nil, side, side])
        let testPixels = try file.bytes("test_images", shape: [nil, side, side])
        let labels = try file.labels("train_labels", count: pixels.count / (side * side), classNames: names)
        let testLabels = try file.labels("test_labels", count: testPixels.count / (side * side), classNames: names)
        return ClassData(
            dataset: .images, path: file.path, classNames: names, training: byClass(labels, classes: names.count),
            test: byClass(testLabels, classes: names.count),
            normalised: { indices in
                let counts = histogram(of: pixels, indices, size: side * side)
                var (sum, squares) = (0.0, 0.0)
                for (level, count) in counts.enumerated() {
                    let value = Double(level) / 255
                    sum += value * Double(count)
                    squares += value * value * Double(count)
                }
                let normalisation = Normalisation(
                    count: Double(indices.count * side * side), sums: [sum], squares: [squares])
                let levels = (0..<256).map { (Float($0) / 255 - normalisation.mean[0]) / normalisation.deviation[0] }
                return (
                    ExampleSource(shape: [1, side, side], storage: .bytes(pixels, levels: levels), labels: labels),
                    ExampleSource(
                        shape: [1, side, side], storage: .bytes(testPixels, levels: levels), labels: testLabels),
                    normalisation
                )
            })
    }

    private static func histogram(of pixels: [UInt8], _ indices: [Int], size: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: 256)
        counts.withUnsafeMutableBufferPointer { counts in
            pixels.withUnsafeBufferPointer { pixels in
                for index in indices {
                    var position = index * size
                    let end = position + size
                    while position < end {
                        counts[Int(pixels[position])] &+= 1
                        position &+= 1
                    }
                }
            }
        }
        return counts
    }
}

extension ClassData {
    /// The part of each class that `speech` keeps for tests.
    private static let speechTestShare = 0.2

    /// `speech.safetensors`: [13, 1, 92] each, MFCCs being channels. Zeros behind an utterance stay zeros, which is then
    /// each channel's mean. A fifth of each class is for tests.
    static func speech(directory: String, seed: UInt64) throws -> ClassData {
        let file = try DataFile(.speech, directory: directory)
        let names = try file.classNames()
        let (frames, coefficients) = (92, 13)
        let features = try file.floats("features", shape: [nil, frames, coefficients])
        let count = features.count / (frames * coefficients)
        let labels = try file.labels("labels", count: count, classNames: names)
        let lengths = try file.bytes("lengths", shape: [count]).map(Int.init)
        if let place = lengths.firstIndex(where: { $0 < 1 || $0 > frames }) {
            throw DatasetError(
                .invalidFile, "utterance \(place) of \(file.path) has \(lengths[place]) frames, not 1 to \(frames)")
        }
        var (training, test) = ([[Int]](), [[Int]]())
        for (label, indices) in byClass(labels, classes: names.count).enumerated() {
            var generator = SplitPurpose.testPart.generator(seed, label)
            let shuffled = generator.shuffled(indices)
            let held = Int((Double(indices.count) * speechTestShare).rounded())
            test.append(shuffled.prefix(held).sorted())
            training.append(shuffled.dropFirst(held).sorted())
        }
        return ClassData(
            dataset: .speech, path: file.path, classNames: names, training: training, test: test,
            normalised: { indices in
                let normalisation = normalisation(of: features, lengths, indices)
                let source = ExampleSource(
                    shape: [coefficients, 1, frames],
                    storage: .values(channelsFirst(features, lengths, normalisation)), labels: labels)
                return (source, source, normalisation)
            })
    }

    /// Each coefficient's mean and deviation over the frames that were spoken.
    private static func normalisation(of features: [Float], _ lengths: [Int], _ indices: [Int]) -> Normalisation {
        let (frames, coefficients) = (92, 13)
        var sums = [Double](repeating: 0, count: coefficients)
        var squares = sums
        var spoken = 0
        for index in indices {
            spoken += lengths[index]
            for frame in 0..<lengths[index] {
                for coefficient in 0..<coefficients {
                    let value = Double(features[(index * frames + frame) * coefficients + coefficient])
                    sums[coefficient] += value
                    squares[coefficient] += value * value
                }
            }
        }
        return Normalisation(count: Double(spoken), sums: sums, squares: squares)
    }

    private static func channelsFirst(
        _ features: [Float], _ lengths: [Int], _ normalisation: Normalisation
    ) -> [Float] {
        let (frames, coefficients) = (92, 13)
        var values = [Float](repeating: 0, count: features.count)
        values.withUnsafeMutableBufferPointer { values in
            for (index, length) in lengths.enumerated() {
                for coefficient in 0..<coefficients {
                    let target = (index * coefficients + coefficient) * frames
                    for frame in 0..<length {
                        values[target + frame] =
                            (features[(index * frames + frame) * coefficients + coefficient]
                                - normalisation.mean[coefficient]) / normalisation.deviation[coefficient]
                    }
                }
            }
        }
        return values
    }
}
