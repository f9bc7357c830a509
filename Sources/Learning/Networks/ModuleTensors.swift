public import ECLMCore

/// The weights of one module: named tensors in single precision, in a fixed order.
public struct ModuleTensors: Hashable, Sendable {
    /// One tensor.
    public struct Entry: Hashable, Sendable {
        /// Its name within the module.
        public var name: String
        /// Its extents, outermost first.
        public var shape: [Int]
        /// Its values, row-major.
        public var values: [Float]

        public init(name: String, shape: [Int], values: [Float]) {
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// The tensors.
    public var entries: [Entry]

    /// Weights from their tensors.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// The weights in a safetensors file; all its tensors, converted to single precision.
    ///
    /// - Throws: ``LearningError`` with `specification` for what is no such file or holds other than floating-point numbers.
    public init(safetensors bytes: [UInt8]) throws {
        let file: SafetensorsFile
        do {
            file = try SafetensorsFile(bytes: bytes)
        } catch {
            throw Self.unreadable(error)
        }
        try self.init(file)
    }

    /// The weights in a safetensors file that is open; all its tensors, converted to single precision.
    ///
    /// - Throws: ``LearningError`` with `specification` for one that holds other than floating-point numbers.
    public init(_ file: SafetensorsFile) throws {
        do {
            entries = try file.tensors.map { Entry(name: $0.name, shape: $0.shape, values: try $0.floats()) }
        } catch {
            throw Self.unreadable(error)
        }
    }

    private static func unreadable(_ error: any Error) -> LearningError {
        LearningError(.specification, "the module's blob cannot be read: \(error.explanation)", cause: error)
    }

    /// The tensor of a name.
    ///
    /// - Throws: ``LearningError`` with `specification` when there is none.
    public subscript(name: String) -> Entry {
        get throws {
            guard let entry = entries.first(where: { ExactText($0.name) == ExactText(name) }) else {
                throw LearningError(
                    .specification,
                    "the module has no tensor \(name), only \(entries.map(\.name).joined(separator: ", "))")
            }
            return entry
        }
    }

    /// The number of weights.
    public var parameterCount: Int { entries.reduce(0) { $0 + $1.values.count } }

    /// A safetensors file of the weights: the same weights and metadata give the same bytes.
    ///
    /// - Parameter dtype: The floating-point type to round them to.
    /// - Throws: ``LearningError`` with `specification` when the tensors' names or shapes are not fit for a file, or a
    ///   value is too large for `dtype`.
    public func safetensors(metadata: [ExactText: String] = [:], dtype: ElementType = .f32) throws -> [UInt8] {
        if dtype == .f16,
            let entry = entries.first(where: { $0.values.contains { !$0.isNaN && Float16($0).isInfinite } })
        {
            throw LearningError(
                .specification,
                "tensor \(entry.name) has values beyond ±65,504, the largest of F16; write the module as BF16 or F32")
        }
        do {
            var builder = SafetensorsBuilder(metadata: metadata)
            for entry in entries {
                try builder.add(entry.name, shape: entry.shape, dtype: dtype, floats: entry.values)
            }
            return try builder.build()
        } catch {
            throw LearningError(.specification, "the module cannot be written: \(error.explanation)", cause: error)
        }
    }

    /// Writes the bytes of ``safetensors(metadata:dtype:)`` to a file, which is there whole or as it was before.
    ///
    /// - Throws: `SafetensorsError` when the tensors' names or shapes are not fit for a file, or the system refuses.
    func write(to path: String, metadata: [ExactText: String]) throws {
        let layout = try SafetensorsLayout(
            tensors: entries.map { TensorDescription(name: $0.name, dtype: .f32, shape: $0.shape) }, metadata: metadata)
        let values = Dictionary(uniqueKeysWithValues: entries.map { (ExactText($0.name), $0.values) })
        let writer = try SafetensorsWriter(layout: layout, path: path)
        for tensor in layout.header.tensors {
            try writer.append(ElementType.f32.encode(values[ExactText(tensor.name)] ?? []), to: tensor.name)
        }
        _ = try writer.finish()
    }
}
