/// An aggregation rule by name with its parameters, checked: what a training policy stores and the trainer makes a rule
/// of.
public struct RuleSpecification: Sendable, Hashable {
    /// A number that a rule takes.
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

        init(
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
    }

    /// A rule that policies may name.
    public struct Kind: Sendable, Hashable {
        /// Its name in `eclm.policies.rule`.
        public let name: String
        /// What it takes, besides ``RuleSpecification/common``.
        public let parameters: [Parameter]
        /// The most updates a round may take with it: rules that compare updates pairwise hold one number for each pair.
        public let maximumUpdates: Int
        /// Whether it keeps each device's part private: then nothing but that part may depend on what a device sent.
        public let isPrivate: Bool
        /// What it does.
        public let summary: String

        /// What it takes of ``RuleSpecification/common``.
        public var checks: [Parameter] { isPrivate ? [maximumStaleness] : common }

        fileprivate init(
            _ name: String, _ summary: String, _ parameters: [Parameter] = [], maximumUpdates: Int = 65_536,
            isPrivate: Bool = false
        ) {
            self.name = name
            self.parameters = parameters
            self.maximumUpdates = maximumUpdates
            self.isPrivate = isPrivate
            self.summary = summary
        }
    }

    /// The largest Euclidean norm of an update's difference to the version it is folded onto, for each module; larger
    /// differences are scaled down to it. Every rule takes it.
    public static let clipNorm = Parameter(
        "clip_norm", Double.leastNormalMagnitude...Double.greatestFiniteMagnitude,
        "scales an update's difference to the current version down to this norm, module by module")

    /// The most releases that an update may be behind; older ones are quarantined. Every rule takes it.
    public static let maximumStaleness = Parameter(
        "maximum_staleness", 0...1_000_000, whole: true, "quarantines updates that are more releases behind")

    /// The most robust standard deviations that the norm of a module's difference may lie above the median; updates
    /// beyond are quarantined. Every rule takes it.
    public static let normThreshold = Parameter(
        "norm_z", 1...1_000_000,
        "quarantines updates with a module whose change has a norm so many robust standard deviations above the median")

    /// Whether an update is quarantined that brings a file which another update brought before. Every rule takes it.
    public static let refusesDuplicates = Parameter(
        "refuse_duplicates", 0...1, standard: 0, whole: true,
        "1 quarantines updates with a module's file that another update brought before")

    /// What every rule takes but private ones, which take ``maximumStaleness`` alone.
    public static let common = [clipNorm, maximumStaleness, normThreshold, refusesDuplicates]

    /// FedBuff's discount, of the weighted means. Rounds name a mean with one otherwise than the mean itself.
    public static let staleness = Parameter(
        "staleness", 0...10, standard: 0,
        "an update s releases behind weighs (1 + s)^-staleness as much; 0.5 is FedBuff's")

    /// The standard deviation of the noise on a private sum, in units of the norm that bounds each update.
    public static let noiseMultiplier = Parameter(
        "noise_multiplier", 0.01...1_000_000, required: true,
        "standard deviation of the noise on the sum of the updates, as a multiple of clip_norm")

    /// The largest Euclidean norm of an update's difference, over all its modules together.
    public static let updateNorm = Parameter(
        "clip_norm", 1e-12...1e12, required: true,
        "scales each update's difference, all its modules together, down to this norm")

    /// The probability that epsilon leaves out.
    public static let delta = Parameter(
        "delta", 1e-300...0.5, required: true, "what epsilon is told for; well below one over the number of devices")

    /// The epsilon that no device may go beyond.
    public static let epsilonLimit = Parameter(
        "epsilon_limit", 1e-6...1e6, "quarantines updates of devices that would go beyond this epsilon")

    private static let byzantine = Parameter(
        "f", 0...1024, whole: true, required: true, "updates that may be arbitrarily wrong")

    /// Every rule, by name in ``Kind/name``.
    public static let kinds: [Kind] = [
        Kind("importance_mean", "the mean weighted by importance (the paper's rule)", [staleness]),
        Kind("sample_mean", "the mean weighted by sample counts (federated averaging)", [staleness]),
        Kind("median", "the median of each coordinate"),
        Kind(
            "trimmed_mean", "the mean of each coordinate without its smallest and largest values",
            [
                Parameter(
                    "fraction", 0...0.4999, standard: 0.1, "share of the values left out at each end of a coordinate")
            ]),
        Kind("krum", "the update that is closest to its neighbours", [byzantine], maximumUpdates: 1024),
        Kind(
            "multi_krum", "the mean of the m updates that are closest to their neighbours",
            [byzantine, Parameter("m", 1...1024, whole: true, required: true, "updates to select")],
            maximumUpdates: 1024),
        Kind(
            "geometric_median", "the point with the least sum of distances to the updates",
            [
                Parameter(
                    "tolerance", 1e-15...1, standard: 1e-6,
                    "ends the iteration when a step is shorter than this share of the typical distance"),
                Parameter("iterations", 1...10_000, standard: 100, whole: true, "the most steps of the iteration"),
            ], maximumUpdates: 1024),
        Kind(
            "private_mean", "the mean of clipped updates with Gaussian noise (differential privacy of devices)",
            [noiseMultiplier, updateNorm, delta, epsilonLimit], isPrivate: true),
    ]

    /// The rule.
    public let kind: Kind
    /// What the policy gives, by name: known names alone, in their ranges.
    public let parameters: [String: Double]

    /// The rule of the paper, which counts where nobody says otherwise.
    public static let standard = RuleSpecification(kind: kinds[0], parameters: [:])

    private init(kind: Kind, parameters: [String: Double]) {
        self.kind = kind
        self.parameters = parameters
    }

    /// A rule by name.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` for a rule or parameter nobody knows, a value outside its range,
    ///   and a parameter that is missing.
    public init(_ name: String, _ parameters: [String: Double] = [:]) throws(RegistryError) {
        guard let kind = Self.kinds.first(where: { $0.name == name }) else {
            throw RegistryError(
                .invalidArgument,
                "there is no rule \(name.debugDescription); there are " + Self.kinds.map(\.name).joined(separator: ", ")
            )
        }
        let checks = [Self.normThreshold, Self.refusesDuplicates]
        if kind.isPrivate, let comparing = checks.first(where: { parameters[$0.name] != nil }) {
            throw RegistryError(
                .invalidArgument,
                "rule \(name) does not take \(comparing.name): whether one device's update counts would depend on what "
                    + "others sent, and the privacy guarantee does not allow that")
        }
        let known = kind.parameters + kind.checks
        try Parameter.check(parameters, against: known, of: "rule \(name)")
        self.init(kind: kind, parameters: parameters)
    }

    /// A parameter's value: the given one, else the standard.
    public func value(_ name: String) -> Double? {
        parameters[name] ?? (kind.parameters + kind.checks).first { $0.name == name }?.standard
    }

    /// The fewest updates of a module that the rule makes something of; modules with fewer keep their version.
    ///
    /// Krum and multi-Krum guarantee nothing below 2f + 3 (Blanchard et al., 2017), or where m or more would be selected
    /// than n - f - 2.
    public var minimumContributions: Int {
        guard let f = value("f") else { return 1 }
        return max(2 * Int(f) + 3, Int(value("m") ?? 1) + Int(f) + 2)
    }
}

extension RuleSpecification.Parameter {
    /// Refuses values of parameters that nobody knows, values outside their ranges, and required ones that are missing.
    ///
    /// - Parameter owner: What takes them, for the message.
    static func check(
        _ values: [String: Double], against known: [Self], of owner: String
    ) throws(RegistryError) {
        for (given, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let parameter = known.first(where: { $0.name == given }) else {
                let names = known.isEmpty ? "none" : known.map(\.name).joined(separator: ", ")
                throw RegistryError(
                    .invalidArgument,
                    "\(owner) has no parameter \(given.debugDescription); it takes \(names)")
            }
            guard parameter.range.contains(value), !parameter.isWhole || value == value.rounded() else {
                let range =
                    parameter == RuleSpecification.clipNorm
                    ? "a finite number above 0"
                    : "\(parameter.isWhole ? "a whole number" : "a number") in "
                        + "\(text(parameter.range.lowerBound))...\(text(parameter.range.upperBound))"
                throw RegistryError(.invalidArgument, "parameter \(given) of \(owner) is \(value), not \(range)")
            }
        }
        if let missing = known.first(where: { $0.isRequired && values[$0.name] == nil }) {
            throw RegistryError(
                .invalidArgument, "\(owner) needs parameter \(missing.name): \(missing.summary)")
        }
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e6 ? String(Int(value)) : "\(value)"
    }
}
