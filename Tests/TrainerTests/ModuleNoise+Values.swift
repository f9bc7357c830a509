@testable import Aggregation

extension ModuleNoise {
    /// The noise of a stretch of a tensor.
    func values(tensor: Int, stretch: Int, count: Int) throws -> [Double] {
        var values = [Double](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer {
            try add(to: $0, tensor: tensor, from: stretch * GaussianNoise.stretch, on: 1)
        }
        return values
    }
}
