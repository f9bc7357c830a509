/// What is to be sent: trained - base + residual, tensor by tensor.
struct Difference {
    let trained: SafetensorsFile
    let base: SafetensorsFile
    let residual: UpdateResidual?

    /// The base's floating-point tensors, in the order of its file.
    var tensors: [TensorDescription] { base.header.tensors.filter(\.dtype.isFloatingPoint) }

    /// The values of a tensor in double precision.
    func values(of tensor: TensorDescription) -> [Double] {
        guard var values = trained[tensor.name]?.doubles(), let base = base[tensor.name]?.doubles() else { return [] }
        base.withUnsafeBufferPointer { base in
            values.withUnsafeMutableBufferPointer { values in
                for position in values.indices { values[position] -= base[position] }
            }
        }
        residual?.tensors[ExactText(tensor.name)]?.floats.withUnsafeBufferPointer { rest in
            values.withUnsafeMutableBufferPointer { values in
                for position in values.indices { values[position] += Double(rest[position]) }
            }
        }
        return values
    }

    /// The values of a tensor, rounded to single precision.
    func floats(of tensor: TensorDescription) -> [Float] {
        let largest = Double(Float.greatestFiniteMagnitude)
        return values(of: tensor).map { Float(min(max($0, -largest), largest)) }
    }
}
