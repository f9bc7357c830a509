/// A number that a method of a policy takes.
public struct Parameter: Sendable, Hashable {
    /// Its name in the policy.
    public let name: String
    /// What it is when a policy does not say; `nil` where it is off then, or must be given.
    public let standard: Double?
    /// The smallest and the largest value.
    public let range: ClosedRange<Double>
    /// Only whole numbers.
    public let isWhole: Bool
    /// Whether a policy must name it.
    public let isRequired: Bool
    /// What it does.
    public let summary: String

    public init(
        _ name: String, _ range: ClosedRange<Double>, standard: Double? = nil, whole: Bool = false,
        required: Bool = false, _ summary: String
    ) {
        self.name = name
        self.range = range
        self.standard = standard
        isWhole = whole
        isRequired = required
        self.summary = summary
    }

    /// The values that are taken, in words.
    public var rangeText: String {
        if range.lowerBound == .leastNormalMagnitude, range.upperBound == .greatestFiniteMagnitude {
            return "a finite number above 0"
        }
        let kind = isWhole ? "a whole number" : "a number"
        return "\(kind) in \(Self.text(range.lowerBound))...\(Self.text(range.upperBound))"
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : "\(value)"
    }

    func allows(_ value: Double) -> Bool { range.contains(value) && (!isWhole || value == value.rounded()) }
}

/// Numbers by name that were checked against the parameters of a method.
public struct ParameterValues: Sendable, Hashable {
    /// What was given.
    public let given: [String: Double]
    private let known: [Parameter]

    /// Checks numbers.
    ///
    /// - Parameter owner: What takes them, for messages: `rule krum`.
    /// - Throws: ``AggregationError`` with `invalidPolicy` for a parameter nobody knows, a value outside its range, and a
    ///   parameter that is missing.
    public init(
        _ given: [String: Double], against known: [Parameter], of owner: String
    ) throws(AggregationError) {
        for (name, value) in given.sorted(by: { $0.key < $1.key }) {
            guard let parameter = known.first(where: { $0.name == name }) else {
                let names = known.isEmpty ? "none" : known.map(\.name).joined(separator: ", ")
                throw AggregationError(
                    .invalidPolicy, "\(owner) has no parameter \(name.debugDescription); it takes \(names)")
            }
            guard parameter.allows(value) else {
                throw AggregationError(
                    .invalidPolicy, "parameter \(name) of \(owner) is \(value), not \(parameter.rangeText)")
            }
        }
        if let missing = known.first(where: { $0.isRequired && given[$0.name] == nil }) {
            throw AggregationError(
                .invalidPolicy, "\(owner) needs parameter \(missing.name): \(missing.summary)")
        }
        self.given = given
        self.known = known
    }

    /// Nothing given, where nothing is required.
    init(nothingOf known: [Parameter]) {
        given = [:]
        self.known = known
    }

    /// The given value, else the standard one; `nil` where there is neither.
    public subscript(_ name: String) -> Double? {
        given[name] ?? known.first { $0.name == name }?.standard
    }

    /// The value of a parameter that is required or has a standard value.
    public func number(_ parameter: Parameter) -> Double { self[parameter.name] ?? parameter.range.lowerBound }

    /// The value of a whole parameter that is required or has a standard value.
    public func whole(_ parameter: Parameter) -> Int { Int(number(parameter)) }
}
