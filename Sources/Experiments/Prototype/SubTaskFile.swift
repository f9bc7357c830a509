import ECLMCore
import Learning

/// The tensor `sub_tasks` of a file of examples.
enum SubTaskFile {
    /// The sub-task of each example; `nil` where the file does not say.
    ///
    /// - Throws: ``LearningError`` with `data` for another shape or element type, or numbers below 0.
    static func read(_ path: String, count: Int) throws -> [Int]? {
        let file = try SafetensorsFile(path: path)
        guard let tensor = file["sub_tasks"] else { return nil }
        guard tensor.shape == [count] else {
            throw LearningError(
                .data, "tensor sub_tasks of \(path) has the shape \(tensor.shape); [\(count)] is needed, one an example"
            )
        }
        let values: [Int] = try tensor.withUnsafeBytes { bytes in
            switch tensor.dtype {
            case .i64: return (0..<count).map { Int(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            case .i32: return (0..<count).map { Int(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
            case .u8: return bytes.map { Int($0) }
            default:
                throw LearningError(
                    .data, "tensor sub_tasks of \(path) is \(tensor.dtype.rawValue); I64, I32 or U8 is needed")
            }
        }
        guard values.allSatisfy({ $0 >= 0 }) else {
            throw LearningError(.data, "tensor sub_tasks of \(path) has numbers below 0")
        }
        return values
    }
}
