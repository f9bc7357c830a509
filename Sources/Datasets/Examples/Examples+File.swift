import ECLMCore

extension Examples {
    /// The examples of a file that ``write(file:)`` wrote, or of one like it.
    ///
    /// - Parameter path: A safetensors file with the tensors `values`, floating-point [n, shape...], and `labels`, I64,
    ///   I32 or U8 [n].
    /// - Throws: ``DatasetError`` when the file is missing or damaged, a value is NaN or infinite, or a label negative.
    public static func from(file path: String) throws -> Examples {
        let file = try DataFile(path: path, hint: "give the path of a file with the tensors values and labels")
        guard let values = file.file["values"] else {
            throw DatasetError(.invalidFile, "\(path) has no tensor values; it has \(names(file))")
        }
        guard let count = values.shape.first, values.shape.count >= 2, count <= Self.limits.examples else {
            throw DatasetError(
                .wrongShape,
                "tensor values of \(path) has the shape \(values.shape); [n, shape of an example] with n "
                    + "up to \(Self.limits.examples) is needed")
        }
        let labels = try file.tensor("labels", [.i64, .i32, .u8], shape: [count])
        do {
            return try Examples(
                shape: Array(values.shape.dropFirst()), values: try floats(values, path), labels: integers(labels))
        } catch let error as DatasetError {
            throw DatasetError(error.code, "\(path): \(error.message)", cause: error.cause)
        }
    }

    /// Writes the examples as a safetensors file, for `adapt --data`: `values` F32 [n, shape...] and `labels`
    /// I64 [n]. Equal examples give equal bytes; the file appears when it is complete.
    ///
    /// - Throws: ``DatasetError`` when the operating system refuses.
    public func write(file path: String) throws {
        let tensors = [
            TensorDescription(name: "values", dtype: .f32, shape: [count] + shape),
            TensorDescription(name: "labels", dtype: .i64, shape: [count]),
        ]
        do {
            let layout = try SafetensorsLayout(tensors: tensors, metadata: [:], limits: DataFile.limits)
            let writer = try SafetensorsWriter(layout: layout, path: path)
            let encoded = labels.map { Int64($0) }.withUnsafeBytes { Array($0) }
            for entry in layout.header.entries {
                let name = entry.description.name
                try writer.append(name == "labels" ? encoded : ElementType.f32.encode(values), to: name)
            }
            _ = try writer.finish()
        } catch {
            throw DatasetError(.cannotWrite, "\(path) cannot be written: \(error.message)", cause: error)
        }
    }

    private static func names(_ file: DataFile) -> String {
        file.file.header.tensors.map(\.name).joined(separator: ", ")
    }

    private static func floats(_ tensor: TensorView, _ path: String) throws -> [Float] {
        do {
            return try tensor.floats()
        } catch {
            throw DatasetError(.wrongShape, "\(path): \(error.message)", cause: error)
        }
    }

    private static func integers(_ tensor: TensorView) -> [Int] {
        tensor.withUnsafeBytes { bytes in
            (0..<tensor.elementCount).map { position in
                switch tensor.dtype {
                case .i64: Int(bytes.loadUnaligned(fromByteOffset: position * 8, as: Int64.self))
                case .i32: Int(bytes.loadUnaligned(fromByteOffset: position * 4, as: Int32.self))
                default: Int(bytes[position])
                }
            }
        }
    }
}
