import Core

/// The engine: sums weighted tensors of one module in double precision, and writes them in the version's own dtypes.
///
/// Element by element and in the order of the calls, so equal calls give equal bits on every machine. Holds 8 bytes for
/// each floating-point element of the module, whatever the number of updates.
struct ModuleAccumulator {
    /// The header of the version that the aggregate follows: the aggregate's layout, too.
    let header: SafetensorsHeader
    private var sums: [Double]
    /// Where each tensor's sums begin; `nil` for a tensor that is not averaged.
    private let starts: [Int?]
    private let positions: [String: Int]
    private var scratch = [Float](repeating: 0, count: ElementType.conversionBlock)

    init(header: SafetensorsHeader) {
        self.header = header
        var total = 0
        var starts: [Int?] = []
        var positions: [String: Int] = [:]
        for (number, entry) in header.entries.enumerated() {
            positions[entry.description.name] = number
            if entry.description.dtype.isFloatingPoint {
                starts.append(total)
                total += entry.description.elementCount ?? 0
            } else {
                starts.append(nil)
            }
        }
        self.starts = starts
        self.positions = positions
        // The neutral element of the sum: 0 + -0 would lose the sign of a weight that is -0.
        sums = [Double](repeating: -0.0, count: total)
    }

    /// Adds `weight` times some elements of a tensor.
    ///
    /// - Parameters:
    ///   - bytes: Whole elements of the tensor's dtype.
    ///   - tensor: The tensor as the update's own header describes it; shapes were compared before.
    ///   - first: The number of the first element.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer, of tensor: TensorDescription, from first: Int, weight: Double
    ) {
        guard let number = positions[tensor.name], let start = starts[number] else { return }
        let size = tensor.dtype.byteCount
        let count = bytes.count / size
        precondition(
            first >= 0 && first + count <= header.entries[number].description.elementCount ?? 0,
            "elements beyond the tensor's end: its shape was not compared")
        sums.withUnsafeMutableBufferPointer { all in
            let sums = UnsafeMutableBufferPointer(rebasing: all[(start + first)..<(start + first + count)])
            if tensor.dtype == .f64 {
                for position in 0..<count {
                    sums[position] += weight * bytes.loadUnaligned(fromByteOffset: position &* 8, as: Double.self)
                }
                return
            }
            scratch.withUnsafeMutableBufferPointer { scratch in
                var done = 0
                while done < count {
                    let length = min(ElementType.conversionBlock, count - done)
                    let piece = UnsafeRawBufferPointer(rebasing: bytes[(done * size)..<((done + length) * size)])
                    tensor.dtype.decode(piece, into: UnsafeMutableBufferPointer(rebasing: scratch[..<length]))
                    Self.accumulate(scratch.baseAddress!, weight, into: sums.baseAddress! + done, length)
                    done += length
                }
            }
        }
    }

    /// Adds `weight` times some values of a tensor, given by its number in the header.
    mutating func add(_ values: [Double], tensor number: Int, from first: Int, weight: Double) {
        guard let start = starts[number] else { return }
        precondition(
            first >= 0 && first + values.count <= header.entries[number].description.elementCount ?? 0,
            "elements beyond the tensor's end")
        sums.withUnsafeMutableBufferPointer { sums in
            values.withUnsafeBufferPointer { values in
                let sums = sums.baseAddress! + start + first
                for position in 0..<values.count { sums[position] += weight * values[position] }
            }
        }
    }

    /// The hot loop: one conversion, one multiplication and one addition an element.
    @inline(__always)
    private static func accumulate(
        _ values: UnsafeMutablePointer<Float>, _ weight: Double, into sums: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        var position = 0
        while position < count {
            sums[position] += weight * Double(values[position])
            position &+= 1
        }
    }

    /// Appends the values of a tensor in its dtype, rounded once to nearest even.
    ///
    /// - Returns: `false`, and nothing is appended, for a tensor that is not averaged.
    func append(tensor number: Int, to file: inout [UInt8]) -> Bool {
        guard let start = starts[number] else { return false }
        let tensor = header.entries[number].description
        sums.withUnsafeBufferPointer { all in
            let sums = UnsafeBufferPointer(rebasing: all[start..<(start + (tensor.elementCount ?? 0))])
            tensor.dtype.append(sums, to: &file)
        }
        return true
    }
}
