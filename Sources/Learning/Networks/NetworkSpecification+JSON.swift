import ECLMCore
import Foundation

extension NetworkSpecification {
    enum CodingKeys: String, CodingKey, CaseIterable { case model, input, classes, stem, layers, head, selector }

    /// Reads a document; what it leaves out has the defaults of the initialisers.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        model = try values.decode(String.self, forKey: .model)
        input = try values.decode([Int].self, forKey: .input)
        classes = try values.decode(Int.self, forKey: .classes)
        stem = try values.decode(StemSpecification.self, forKey: .stem)
        layers = try values.decode([LayerSpecification].self, forKey: .layers)
        head = try values.decodeIfPresent(HeadSpecification.self, forKey: .head) ?? HeadSpecification()
        selector = try values.decode(SelectorSpecification.self, forKey: .selector)
    }

    /// A checked specification from a JSON document.
    ///
    /// - Throws: ``LearningError`` with `specification` for what is no such document, names a key that there is not, or
    ///   does not fit together.
    public static func parse(_ json: some Collection<UInt8>) throws -> NetworkSpecification {
        let reader = JSONReader()
        let what = "the network's specification"
        let found: NetworkSpecification
        do throws(JSONError) {
            let specification: NetworkSpecification = try reader.decode(of: what, from: json)
            // Every key is written but what is optional and not there.
            var complete = specification
            complete.selector.pool = complete.selector.pool ?? [1, 1]
            let known = try reader.value(of: what, in: complete.json)
            try reader.value(of: what, in: json).refuseKeys(unknownTo: known, of: what)
            found = specification
        } catch {
            throw LearningError(.specification, "\(error.message); docs/learning.md lists the keys", cause: error)
        }
        return try found.validated()
    }

    /// The document, with sorted keys and without spaces: equal specifications are equal bytes.
    public var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, integers and booleans always encode.
        return (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
    }
}

extension StemSpecification {
    enum CodingKeys: String, CodingKey { case kind, width, kernel, stride }

    /// Reads a stem; what it leaves out has the initialiser's defaults.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            kind: try values.decode(Kind.self, forKey: .kind),
            width: try values.decodeIfPresent(Int.self, forKey: .width) ?? 0,
            kernel: try values.decodeIfPresent([Int].self, forKey: .kernel) ?? [3, 3],
            stride: try values.decodeIfPresent([Int].self, forKey: .stride) ?? [1, 1])
    }
}

extension LayerSpecification {
    enum CodingKeys: String, CodingKey {
        case name, block, width, modules, inner, kernel, stride, bypass, skip, activation
        case outputKernel = "output_kernel"
        case innerNorm = "inner_norm"
    }

    /// Reads a layer; what it leaves out has the initialiser's defaults, and a dense block no norm inside.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let block = try values.decode(BlockKind.self, forKey: .block)
        self.init(
            name: try values.decode(String.self, forKey: .name), block: block,
            width: try values.decode(Int.self, forKey: .width),
            modules: try values.decode(Int.self, forKey: .modules),
            inner: try values.decode(Int.self, forKey: .inner),
            kernel: try values.decodeIfPresent([Int].self, forKey: .kernel) ?? [3, 3],
            outputKernel: try values.decodeIfPresent([Int].self, forKey: .outputKernel) ?? [1, 1],
            stride: try values.decodeIfPresent([Int].self, forKey: .stride) ?? [1, 1],
            bypass: try values.decodeIfPresent(Bool.self, forKey: .bypass) ?? true,
            skip: try values.decodeIfPresent(Bool.self, forKey: .skip) ?? false,
            innerNorm: try values.decodeIfPresent(Bool.self, forKey: .innerNorm) ?? (block == .convolution),
            activation: try values.decodeIfPresent(ActivationKind.self, forKey: .activation) ?? .relu)
    }
}

extension SelectorSpecification {
    enum CodingKeys: String, CodingKey {
        case pool, widths
        case topK = "top_k"
    }
}
