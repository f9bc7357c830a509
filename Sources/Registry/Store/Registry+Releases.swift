import ECLMCore
import PostgreSQL

extension Registry {
    /// The releases of a model, newest first.
    public func releases(
        of model: String, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<ReleaseRecord> {
        let before = try page.numberToken().map { Int32(clamping: $0) } ?? .max
        return try await registryErrors {
            let modelID = try await modelID(model)
            let rows = try await pool.query(
                """
                \(ReleaseRecord.select) WHERE e.model_id = \(modelID.rawValue) AND e.number < \(before)
                ORDER BY e.number DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(ReleaseRecord.init), size: page.size) { String($0.number) }
        }
    }

    /// One release of a model.
    ///
    /// - Throws: `notFound` when the model, the channel or the release does not exist.
    public func release(
        of model: String, _ selector: ReleaseSelector
    ) async throws(RegistryError) -> ReleaseRecord {
        try await registryErrors {
            let modelID = try await modelID(model)
            let id = modelID.rawValue
            switch selector {
            case .number(let number):
                let rows = try await pool.query(
                    "\(ReleaseRecord.select) WHERE e.model_id = \(id) AND e.number = \(Int32(clamping: number))")
                guard let row = rows.first else { throw Self.noSuchRelease(number, of: model) }
                return try ReleaseRecord(row)
            case .channel(let channel):
                let rows = try await pool.query(
                    """
                    \(ReleaseRecord.select)
                    WHERE e.release_id = (SELECT release_id FROM eclm.channels WHERE model_id = \(id) AND name = \(channel))
                    """)
                guard let row = rows.first else { throw Self.noSuchChannel(channel, of: model) }
                return try ReleaseRecord(row)
            }
        }
    }

    static func noSuchRelease(_ number: Int, of model: String) -> RegistryError {
        RegistryError(.notFound, "model \(model) has no release \(number); releases shows those there are")
    }

    static func noSuchChannel(_ channel: String, of model: String) -> RegistryError {
        RegistryError(
            .notFound, "model \(model) has no channel \(channel.debugDescription); publish or move the channel makes it"
        )
    }
}
