import ECLMCore

/// Part of a checkpoint's tensor: all of it, or a range along one axis.
struct TensorSlice {
    /// The name it gets in the module's blob.
    let name: String
    let source: TensorView
    /// The axis of inner neurons or channels and the range along it; `nil` for the whole tensor.
    let selection: (axis: Int, range: Range<Int>)?

    var description: TensorDescription {
        var shape = source.shape
        if let selection { shape[selection.axis] = selection.range.count }
        return TensorDescription(name: name, dtype: source.dtype, shape: shape)
    }

    /// Copies the selected values, row-major, into `output`, which has exactly their size.
    func copy(into output: UnsafeMutableRawBufferPointer) {
        source.withUnsafeBytes { bytes in
            guard let selection else { return output.copyMemory(from: bytes) }
            let strides = AxisStrides(shape: source.shape, axis: selection.axis)
            let unit = strides.inner * source.dtype.byteCount
            let run = selection.range.count * unit
            for outer in 0..<strides.outer {
                let start = (outer * strides.extent + selection.range.lowerBound) * unit
                UnsafeMutableRawBufferPointer(rebasing: output[outer * run..<(outer + 1) * run])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + run]))
            }
        }
    }
}

/// A row-major tensor seen as [outer, extent, inner] around one axis.
struct AxisStrides {
    let outer: Int
    let extent: Int
    let inner: Int

    init(shape: [Int], axis: Int) {
        outer = shape[..<axis].reduce(1, *)
        extent = shape[axis]
        inner = shape[(axis + 1)...].reduce(1, *)
    }

    /// The sum of squares of the values at each position along the axis.
    func sumsOfSquares(_ values: [Float]) -> [Double] {
        var sums = [Double](repeating: 0, count: extent)
        values.withUnsafeBufferPointer { values in
            sums.withUnsafeMutableBufferPointer { sums in
                var place = 0
                for _ in 0..<outer {
                    for position in 0..<extent {
                        var sum = 0.0
                        let end = place &+ inner
                        while place < end {
                            let value = Double(values[place])
                            sum += value * value
                            place &+= 1
                        }
                        sums[position] += sum
                    }
                }
            }
        }
        return sums
    }
}
