/// Which tensors of an update's file say what of which tensor of the base: the check of its header.
///
/// Of a base tensor `NAME` of a floating-point dtype an update holds
///
/// | encoding | tensors |
/// |---|---|
/// | `full` | `NAME`, as in the base; tensors of other dtypes as well |
/// | `delta` | `NAME` of the base's shape, F32 or of the base's dtype |
/// | `int8_delta` | `NAME` I8 of the base's shape; `NAME#scale` F32, one for each index of the first dimension, or one for the whole tensor (shape `[]`) |
/// | `sparse_delta` | `NAME#gaps` U8 and `NAME#values` F32, both of one dimension; neither where nothing is sent |
///
/// Differences leave out tensors that are no floating-point numbers.
public struct UpdateLayout: Sendable, Hashable {
    /// Where the values of one base tensor are.
    public enum Part: Sendable, Hashable {
        /// In a tensor of floating-point values of the base's shape.
        case values(TensorDescription)
        /// In an I8 tensor, each times its scale; consecutive runs of `run` values share a scale.
        case quantised(values: String, scales: String, run: Int)
        /// In `count` values, whose places the gaps tell.
        case sparse(gaps: String, values: String, count: Int)
    }

    /// What a tensor of the file holds, for the check of its values.
    enum Content: Sendable, Hashable {
        case values(largest: Double)
        case scales(largest: Double)
        case gaps(elements: Int, count: Int)
        case anything
    }

    /// How the file is written.
    public let encoding: UpdateEncoding
    /// Where each floating-point tensor of the base is, by its name. A sparse update may have nothing of a tensor.
    public let parts: [String: Part]
    let contents: [String: Content]

    /// Fits the tensors of a file to those of the base.
    ///
    /// - Throws: ``UpdateError`` with `mismatch` naming the first tensor that does not fit.
    public init(
        of tensors: [TensorDescription], as encoding: UpdateEncoding, onto base: [TensorDescription]
    ) throws {
        self.encoding = encoding
        var fitting = Fitting(tensors)
        for tensor in base {
            guard tensor.dtype.isFloatingPoint else {
                if encoding == .full {
                    let given = try fitting.take(tensor.name, of: tensor, shape: tensor.shape, [tensor.dtype])
                    fitting.contents[given.name] = .anything
                }
                continue
            }
            switch encoding {
            case .full: try fitting.fitValues(tensor, [tensor.dtype])
            case .delta: try fitting.fitValues(tensor, [.f32, tensor.dtype])
            case .int8Delta: try fitting.fitQuantised(tensor)
            case .sparseDelta: try fitting.fitSparse(tensor)
            }
        }
        try fitting.finish()
        parts = fitting.parts
        contents = fitting.contents
    }

    static func scaleName(_ tensor: String) -> String { tensor + "#scale" }
    static func gapsName(_ tensor: String) -> String { tensor + "#gaps" }
    static func valuesName(_ tensor: String) -> String { tensor + "#values" }
}

/// The tensors of a file, each taken at most once.
private struct Fitting {
    private let given: [String: TensorDescription]
    private let order: [TensorDescription]
    var parts: [String: UpdateLayout.Part] = [:]
    var contents: [String: UpdateLayout.Content] = [:]

    init(_ tensors: [TensorDescription]) {
        order = tensors
        given = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func take(
        _ name: String, of tensor: TensorDescription, shape: [Int]?, _ dtypes: [ElementType]
    ) throws -> TensorDescription {
        guard let found = given[name] else {
            throw UpdateError(.mismatch, "tensor \(name) is missing", tensor: tensor.name)
        }
        guard dtypes.contains(found.dtype) else {
            throw UpdateError(
                .mismatch,
                "tensor \(name) has dtype \(found.dtype.rawValue), not "
                    + dtypes.map(\.rawValue).joined(separator: " or "),
                tensor: tensor.name)
        }
        if let shape, found.shape != shape {
            throw UpdateError(
                .mismatch, "tensor \(name) has shape \(found.shape), not \(shape)", tensor: tensor.name)
        }
        guard contents[name] == nil else {
            throw UpdateError(
                .mismatch, "tensor \(name) would stand for two tensors of the version; submit full weights",
                tensor: tensor.name)
        }
        return found
    }

    mutating func fitValues(_ tensor: TensorDescription, _ dtypes: [ElementType]) throws {
        let found = try take(tensor.name, of: tensor, shape: tensor.shape, dtypes)
        parts[tensor.name] = .values(found)
        contents[found.name] = .values(largest: 2 * tensor.dtype.largestFinite)
    }

    mutating func fitQuantised(_ tensor: TensorDescription) throws {
        let values = try take(tensor.name, of: tensor, shape: tensor.shape, [.i8])
        contents[values.name] = .anything
        let scales = try take(UpdateLayout.scaleName(tensor.name), of: tensor, shape: nil, [.f32])
        let elements = tensor.elementCount ?? 0
        let run: Int
        if scales.shape.isEmpty {
            run = max(elements, 1)
        } else {
            guard let rows = tensor.shape.first, scales.shape == [rows] else {
                throw UpdateError(
                    .mismatch,
                    "tensor \(scales.name) has shape \(scales.shape), not [] or [\(tensor.shape.first.map(String.init) ?? "")]",
                    tensor: tensor.name)
            }
            run = rows == 0 ? 1 : max(elements / rows, 1)
        }
        contents[scales.name] = .scales(largest: 2 * tensor.dtype.largestFinite / 127)
        parts[tensor.name] = .quantised(values: values.name, scales: scales.name, run: run)
    }

    mutating func fitSparse(_ tensor: TensorDescription) throws {
        let (gapsName, valuesName) = (UpdateLayout.gapsName(tensor.name), UpdateLayout.valuesName(tensor.name))
        if given[gapsName] == nil, given[valuesName] == nil { return }
        let gaps = try take(gapsName, of: tensor, shape: nil, [.u8])
        let values = try take(valuesName, of: tensor, shape: nil, [.f32])
        let elements = tensor.elementCount ?? 0
        guard gaps.shape.count == 1, values.shape.count == 1, values.shape[0] <= elements,
            gaps.shape[0] >= values.shape[0], gaps.shape[0] <= GapDecoder.maximumBytes * values.shape[0]
        else {
            throw UpdateError(
                .mismatch,
                "gaps of shape \(gaps.shape) and values of shape \(values.shape) are no part of the \(elements) values of "
                    + "tensor \(tensor.name)", tensor: tensor.name)
        }
        contents[gaps.name] = .gaps(elements: elements, count: values.shape[0])
        contents[values.name] = .values(largest: 2 * tensor.dtype.largestFinite)
        parts[tensor.name] = .sparse(gaps: gaps.name, values: values.name, count: values.shape[0])
    }

    func finish() throws {
        if let extra = order.first(where: { contents[$0.name] == nil }) {
            throw UpdateError(
                .mismatch, "tensor \(extra.name) is none that the version has in this encoding", tensor: extra.name)
        }
    }
}
