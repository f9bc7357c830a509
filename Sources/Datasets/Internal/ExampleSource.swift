/// All examples of a file, of which devices hold indices: copies of it share their storage.
struct ExampleSource: Sendable {
    /// Values as examples have them, or bytes with the value of each level.
    enum Storage: Sendable {
        case values([Float])
        case bytes([UInt8], levels: [Float])
    }

    let shape: [Int]
    let storage: Storage
    let labels: [Int]

    /// The examples of these indices.
    func examples(_ indices: [Int]) -> Examples {
        let size = shape.reduce(1, *)
        let values = [Float](unsafeUninitializedCapacity: indices.count * size) { buffer, count in
            count = indices.count * size
            guard let output = buffer.baseAddress else { return }
            switch storage {
            case .values(let all):
                all.withUnsafeBufferPointer { all in
                    for (place, index) in indices.enumerated() {
                        (output + place * size).initialize(from: all.baseAddress! + index * size, count: size)
                    }
                }
            case .bytes(let all, let levels):
                all.withUnsafeBufferPointer { all in
                    levels.withUnsafeBufferPointer { levels in
                        for (place, index) in indices.enumerated() {
                            for offset in 0..<size {
                                output[place * size + offset] = levels[Int(all[index * size + offset])]
                            }
                        }
                    }
                }
            }
        }
        return Examples(unchecked: shape, values: values, labels: indices.map { labels[$0] })
    }
}
