import ECLMCore

/// How devices and the cloud exchange weights.
public struct CloudSettings: Sendable, Hashable, Codable {
    /// How updates are written: `full`, `delta`, `int8_delta` or `sparse_delta`.
    public var encoding: String
    /// The share of values that a sparse delta keeps, over 0 and at most 1.
    public var fraction: Double
    /// Whether a device keeps what it fetched, so that it need not fetch it again.
    public var holdsModules: Bool

    public init(encoding: String = "int8_delta", fraction: Double = 0.1, holdsModules: Bool = true) {
        self.encoding = encoding
        self.fraction = fraction
        self.holdsModules = holdsModules
    }

    enum CodingKeys: String, CodingKey {
        case encoding, fraction
        case holdsModules = "holds_modules"
    }

    /// ``encoding`` as updates are encoded.
    ///
    /// - Throws: ``ExperimentError`` with `inconsistent` for an encoding that there is not.
    func updateEncoding() throws -> UpdateEncoding {
        guard let known = UpdateEncoding(rawValue: encoding) else {
            let names = UpdateEncoding.allCases.map(\.rawValue).joined(separator: ", ")
            throw ExperimentError(.inconsistent, "there is no encoding \(encoding); there are \(names)")
        }
        return known
    }
}
