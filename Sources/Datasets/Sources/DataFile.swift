import ECLMCore

/// A data set's file, opened; what it holds is checked as it is taken out.
struct DataFile {
    /// The largest file accepted: 4 GiB.
    static let limits = SafetensorsLimits(headerBytes: 1 << 20, tensors: 64, fileBytes: 1 << 32)

    let path: String
    let file: SafetensorsFile

    /// - Parameter hint: What to do when the file is not there.
    init(path: String, hint: String) throws {
        self.path = path
        do {
            file = try SafetensorsFile(path: path, limits: Self.limits)
        } catch {
            if !FileSystem.exists(path) {
                throw DatasetError(.missingFile, "there is no \(path); \(hint)", cause: error)
            }
            throw DatasetError(.invalidFile, "\(path) cannot be read: \(error.message)", cause: error)
        }
    }

    /// The file of a data set that `make data` fetches.
    init(_ dataset: Dataset, directory: String) throws {
        try self.init(
            path: "\(directory)/\(dataset.rawValue).safetensors", hint: "run make data, which fetches the data sets")
    }

    /// The classes in the metadata.
    func classNames() throws -> [String] {
        let names = (file.header.metadata["classes"] ?? "").split(separator: ",").map(String.init)
        guard names.count >= 2, names.count <= 256 else {
            throw DatasetError(
                .tooFewClasses,
                "\(path) names \(names.count) classes in its metadata; from 2 to 256 are needed. Fetch it anew")
        }
        return names
    }

    /// A tensor of this type, whose shape is the expected one; `nil` stands for any extent.
    func tensor(_ name: String, _ dtypes: Set<ElementType>, shape: [Int?]) throws -> TensorView {
        guard let tensor = file[name] else {
            throw DatasetError(
                .invalidFile,
                "\(path) has no tensor \(name); it has "
                    + file.header.tensors.map(\.name).joined(separator: ", "))
        }
        let fits =
            tensor.shape.count == shape.count && zip(tensor.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
        guard dtypes.contains(tensor.dtype), fits else {
            let wanted = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
            throw DatasetError(
                .wrongShape,
                "tensor \(name) of \(path) is \(tensor.dtype.rawValue) \(tensor.shape); "
                    + "\(dtypes.map(\.rawValue).sorted().joined(separator: " or ")) [\(wanted)] is needed")
        }
        return tensor
    }

    /// Finite values.
    func floats(_ name: String, shape: [Int?]) throws -> [Float] {
        let tensor = try tensor(name, [.f32], shape: shape)
        let values = try readFloats(tensor)
        if let place = values.firstNonFinite {
            throw DatasetError(
                .notFinite, "tensor \(name) of \(path) has \(values[place]) at position \(place); fetch the file anew")
        }
        return values
    }

    /// Whole numbers from 0 to 255.
    func bytes(_ name: String, shape: [Int?]) throws -> [UInt8] {
        try tensor(name, [.u8], shape: shape).bytes()
    }

    /// Labels, each of one of the classes, of which none lacks examples.
    func labels(_ name: String, count: Int, classNames: [String]) throws -> [Int] {
        let labels = try bytes(name, shape: [count]).map(Int.init)
        var counts = [Int](repeating: 0, count: classNames.count)
        for (place, label) in labels.enumerated() {
            guard label < classNames.count else {
                throw DatasetError(
                    .labelOutOfRange,
                    "example \(place) in \(name) of \(path) has the label \(label), but there are "
                        + "\(classNames.count) classes, from 0")
            }
            counts[label] += 1
        }
        if let empty = counts.firstIndex(of: 0) {
            throw DatasetError(.tooFewClasses, "\(name) of \(path) has no example of the class \(classNames[empty])")
        }
        return labels
    }

    // Typed errors must not be thrown within loops of optimised code (Swift 6.3 crashes), so this is not inlined.
    @inline(never)
    private func readFloats(_ tensor: TensorView) throws -> [Float] {
        do {
            return try tensor.floats()
        } catch {
            throw DatasetError(.invalidFile, "\(path) cannot be read: \(error.message)", cause: error)
        }
    }
}
