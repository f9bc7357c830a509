public import ECLMCore

/// How a checkpoint becomes a modular model: docs/import.md describes the JSON it is read from.
public struct DecompositionSpecification: Sendable, Hashable {
    /// Where modules get their default importance from.
    public enum Importance: String, Sendable, Hashable, CaseIterable {
        /// The share of the layer's weight norm; see ``Decomposer``.
        case norm
        /// The same for every module of a layer.
        case uniform
    }

    /// The model's name.
    public var model: String
    /// What the model does.
    public var summary: String
    /// The oldest runtime that runs the modules.
    public var minimumRuntime: RuntimeVersion
    /// Where modules get their default importance from.
    public var importance: Importance
    /// What one sample is at the model's input, for the analytic costs.
    public var input: InputExtent
    /// The blocks to split, in order.
    public var layers: [LayerSpecification]
    /// Where the other tensors go.
    public var shared: SharedSpecification

    static let maximumLayers = 1024

    /// Reads a specification.
    ///
    /// - Parameter json: The document, at most 1 MiB.
    /// - Throws: ``DecompositionError`` that names the first unknown, missing or unusable key by its path.
    public init(json: [UInt8]) throws(DecompositionError) {
        var reader = try ObjectReader(try Self.document(json), path: "")
        model = try reader.string("model")
        if let refusal = NameRule.model.refusal(of: model) {
            throw DecompositionError(.invalidSpecification, "model: \(refusal)")
        }
        summary = try reader.string("summary")
        let runtime = try reader.stringIfPresent("minimum_runtime") ?? "0.0.0"
        guard let version = RuntimeVersion(runtime) else {
            throw DecompositionError(
                .invalidSpecification, "minimum_runtime is \(runtime.debugDescription); write it like 2.1.0")
        }
        minimumRuntime = version
        importance = try reader.word("importance", default: .norm)
        input = try reader.objectIfPresent("input").map(InputExtent.init) ?? InputExtent()
        layers = []
        for (position, value) in try reader.arrayIfPresent("layers").enumerated() {
            layers += try Self.layers(value, path: "layers[\(position)]", input: input)
            guard layers.count <= Self.maximumLayers else {
                throw DecompositionError(.invalidSpecification, "there are more than \(Self.maximumLayers) layers")
            }
        }
        shared = try reader.objectIfPresent("shared").map(SharedSpecification.init) ?? SharedSpecification()
        try reader.finish()
        guard !layers.isEmpty else {
            throw DecompositionError(.missingKey, "the specification lacks layers; at least one block is needed")
        }
        var names: Set<String> = []
        for layer in layers where !names.insert(layer.name).inserted {
            throw DecompositionError(
                .invalidSpecification, "two layers have the name \(layer.name.debugDescription)")
        }
    }

    private static func document(_ json: [UInt8]) throws(DecompositionError) -> JSONValue {
        do throws(JSONError) {
            return try JSONReader(maximumBytes: 1 << 20, maximumDepth: 16).value(of: "the specification", in: json)
        } catch {
            throw DecompositionError(.invalidSpecification, error.message, cause: error)
        }
    }

    /// One layer, or as many as `repeat` says with `{i}` counted from 0 in every string.
    private static func layers(
        _ value: JSONValue, path: String, input: InputExtent
    ) throws(DecompositionError) -> [LayerSpecification] {
        var reader = try ObjectReader(value, path: path)
        guard let count = try reader.integerIfPresent("repeat", in: 1...maximumLayers) else {
            return [try LayerSpecification(reader, input: input)]
        }
        var layers: [LayerSpecification] = []
        for index in 0..<count {
            var copy = try ObjectReader(value.replacing("{i}", with: String(index)), path: path)
            _ = copy.takeIfPresent("repeat")
            layers.append(try LayerSpecification(copy, input: input))
        }
        return layers
    }
}

extension JSONValue {
    /// The value with `text` replaced in every string, keys excepted.
    fileprivate func replacing(_ text: String, with replacement: String) -> JSONValue {
        switch self {
        case .object(let members):
            .object(members.map { ($0.key, $0.value.replacing(text, with: replacement)) })
        case .array(let values): .array(values.map { $0.replacing(text, with: replacement) })
        case .string(let string): .string(string.replacing(text, with: replacement))
        case .number, .bool, .null: self
        }
    }
}
