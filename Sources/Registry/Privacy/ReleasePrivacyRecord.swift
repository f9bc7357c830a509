import PostgreSQL

/// What whoever has a release, and all releases before it, may learn of one device at most.
public struct ReleasePrivacyRecord: Sendable, Hashable {
    /// The model's name.
    public var model: String
    /// The release's number within the model.
    public var release: Int
    /// Epsilon over all devices; `nil`, for unbounded, where a round without privacy came before the release.
    public var epsilon: Double?
    /// The delta that the epsilons are told for; `nil` before the first private round.
    public var delta: Double?
    /// Epsilon over devices that took part in private rounds alone; `nil` before the first of them.
    public var privateEpsilon: Double?
    /// Devices that private rounds counted.
    public var devices: Int
    /// Private rounds before the release, and its own.
    public var privateRounds: Int
    /// Rounds without privacy before the release, and its own.
    public var unprotectedRounds: Int
    /// The noise multiplier of the last private round.
    public var noiseMultiplier: Double?
    /// The norm that each update was clipped to in the last private round.
    public var clipNorm: Double?
}

extension ReleasePrivacyRecord {
    init(_ row: PostgresRow) throws {
        model = try row.decode("model")
        release = Int(try row.decode("release", as: Int32.self))
        epsilon = try row.decode("epsilon")
        delta = try row.decode("delta")
        privateEpsilon = try row.decode("private_epsilon")
        devices = Int(try row.decode("devices", as: Int32.self))
        privateRounds = Int(try row.decode("private_rounds", as: Int32.self))
        unprotectedRounds = Int(try row.decode("unprotected_rounds", as: Int32.self))
        noiseMultiplier = try row.decode("noise_multiplier")
        clipNorm = try row.decode("clip_norm")
    }
}

extension Registry {
    /// What the releases of a model tell of a device at most, newest first.
    ///
    /// - Throws: `notFound` for an unknown model.
    public func releasePrivacy(
        of model: String, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<ReleasePrivacyRecord> {
        let before = try page.numberToken().map { Int32(clamping: $0) } ?? .max
        return try await registryErrors {
            _ = try await modelID(model)
            let rows = try await pool.query(
                """
                SELECT model, release, epsilon, delta, private_epsilon, devices, private_rounds, unprotected_rounds,
                    noise_multiplier, clip_norm
                FROM eclm.release_privacy WHERE model = \(model) AND release < \(before)
                ORDER BY release DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(ReleasePrivacyRecord.init), size: page.size) { String($0.release) }
        }
    }
}
