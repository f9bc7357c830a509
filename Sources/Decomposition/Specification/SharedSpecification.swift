public import ECLMCore

/// Where the tensors go that no module holds: the stem, the head or the selector.
public struct SharedSpecification: Sendable, Hashable {
    /// The shared parts that a specification can name.
    public enum Part: String, Sendable, Hashable, CaseIterable {
        /// Before the first module layer or between layers.
        case stem
        /// After the last module layer.
        case head
        /// The network that scores modules.
        case selector

        /// The kind of the part's module.
        public var kind: ModuleKind {
            switch self {
            case .stem: .stem
            case .head: .head
            case .selector: .selector
            }
        }
    }

    /// One rule: the tensors whose names match go to the part, unless an earlier rule took them.
    public struct Rule: Sendable, Hashable {
        public var pattern: GlobPattern
        public var part: Part
    }

    /// What is known of a part beyond its tensors.
    public struct Traits: Sendable, Hashable {
        /// Operators that a device needs to run the part.
        public var operators: Set<String> = []
        /// Floating-point operations for one sample; estimated from the tensors when not given.
        public var flops: Int64?
        /// Peak bytes of activations.
        public var activationBytes: Int64 = 0
    }

    /// The rules in order; the first that matches takes the tensor.
    public var rules: [Rule] = []
    /// Where the tensors go that no rule matches; an error when `nil`.
    public var rest: Part?
    /// What is known of the parts.
    public var traits: [Part: Traits] = [:]

    init() {}

    init(_ reader: ObjectReader) throws(DecompositionError) {
        var reader = reader
        for (position, value) in try reader.arrayIfPresent("rules").enumerated() {
            var rule = try ObjectReader(value, path: "\(reader.path(of: "rules"))[\(position)]")
            rules.append(Rule(pattern: GlobPattern(try rule.string("pattern")), part: try rule.word("to")))
            try rule.finish()
        }
        if let word = try reader.stringIfPresent("rest") {
            guard let part = Part(rawValue: word) else {
                throw DecompositionError(
                    .invalidSpecification,
                    "\(reader.path(of: "rest")) is \(word.debugDescription); known are stem, head, selector")
            }
            rest = part
        }
        for part in Part.allCases {
            guard var entry = try reader.objectIfPresent(part.rawValue) else { continue }
            let operators = try entry.stringsIfPresent("operators")
            if let name = operators.first(where: { $0 != $0.lowercased() }) {
                throw DecompositionError(
                    .invalidSpecification, "\(entry.path(of: "operators")) has \(name); operators are lower case")
            }
            traits[part] = Traits(
                operators: Set(operators),
                flops: try entry.integerIfPresent("flops", in: 0...Int.max).map(Int64.init),
                activationBytes: Int64(try entry.integerIfPresent("activation_bytes", in: 0...1 << 50) ?? 0))
            try entry.finish()
        }
        try reader.finish()
    }

    /// The part that takes the tensor of a name; `nil` when none does.
    public func part(for name: String) -> Part? {
        rules.first { $0.pattern.matches(name) }?.part ?? rest
    }
}

/// A pattern for whole names: `*` stands for any characters, dots included, and `?` for any single one.
public struct GlobPattern: Sendable, Hashable, CustomStringConvertible {
    /// The pattern as written.
    public let description: String

    /// A pattern; every text is one.
    public init(_ text: String) { description = text }

    /// Whether the whole of `name` matches.
    public func matches(_ name: String) -> Bool {
        let pattern = Array(description.unicodeScalars)
        let text = Array(name.unicodeScalars)
        var place = 0
        var position = 0
        // On a mismatch the last star takes one character more: linear in practice and never exponential.
        var star: (place: Int, position: Int)?
        while position < text.count {
            if place < pattern.count, pattern[place] == "*" {
                star = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[position] {
                place += 1
                position += 1
            } else if let last = star {
                place = last.place + 1
                position = last.position + 1
                star = (last.place, position)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
