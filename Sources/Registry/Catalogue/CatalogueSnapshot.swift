import ECLMCore
import PostgreSQL

/// What a device class was measured to need for one module version.
public struct MeasuredCosts: Sendable, Hashable {
    /// Peak memory in bytes.
    public var memory: Int64
    /// Floating-point operations for one sample, or what equals them in time.
    public var flops: Int64
}

/// The catalogue at one instant: what answers composition queries without the database.
public struct CatalogueSnapshot: Sendable {
    /// One model's channels.
    public struct Model: Sendable {
        /// The release that each channel points to.
        public var channels: [String: CatalogueRelease] = [:]
        /// The release that is on trial on each channel, and on which devices.
        public var canaries: [String: CatalogueCanary] = [:]

        /// Every release that some device gets by a channel.
        var releases: [CatalogueRelease] { Array(channels.values) + canaries.values.map(\.candidate) }
    }

    /// The models by name.
    public var models: [String: Model] = [:]
    /// The device classes by name.
    public var deviceClasses: [String: DeviceClassRecord] = [:]
    /// Measured costs by device class and module version.
    public var measured: [DeviceClassID: [ModuleVersionID: MeasuredCosts]] = [:]

    /// The release that a channel points to, or for a device in the share of a canary the candidate.
    ///
    /// - Throws: `notFound` for an unknown model or channel.
    public func release(
        of model: String, channel: String, for device: String? = nil
    ) throws(RegistryError) -> CatalogueRelease {
        guard let entry = models[model] else { throw Registry.noSuchModel(model) }
        guard let release = entry.channels[channel] else { throw Registry.noSuchChannel(channel, of: model) }
        if let device, let canary = entry.canaries[channel], canary.gives(to: device) { return canary.candidate }
        return release
    }

    /// A device class by name.
    ///
    /// - Throws: `notFound` for an unknown class.
    public func deviceClass(_ name: String) throws(RegistryError) -> DeviceClassRecord {
        guard let record = deviceClasses[name] else { throw Registry.noSuchDeviceClass(name) }
        return record
    }

    /// Reads the catalogue in one consistent view; releases that `previous` holds are not read again.
    ///
    /// - Parameter pinned: Releases that no channel points to, whose measured costs are wanted as well.
    static func load(
        previous: CatalogueSnapshot?, pinned: [ReleaseID], from pool: PostgresPool
    ) async throws(RegistryError) -> CatalogueSnapshot {
        var known: [ReleaseID: CatalogueRelease] = [:]
        for model in previous?.models.values ?? [:].values {
            for release in model.releases { known[release.releaseID] = release }
        }
        let held = known
        return try await pool.registryTransaction(isolation: .repeatableRead, readOnly: true) { connection in
            var snapshot = CatalogueSnapshot()
            var known = held
            for row in try await connection.query("SELECT name FROM eclm.models") {
                snapshot.models[try row.decode("name")] = Model()
            }
            let channels = try await connection.query(
                """
                SELECT mo.name AS model, c.name AS channel, c.release_id, e.number
                FROM eclm.channels c JOIN eclm.models mo USING (model_id) JOIN eclm.releases e USING (release_id)
                """)
            for row in channels {
                let id = ReleaseID(try row.decode("release_id"))
                let model: String = try row.decode("model")
                if known[id] == nil {
                    known[id] = try await CatalogueRelease.load(
                        id, model: model, number: Int(try row.decode("number", as: Int32.self)), on: connection)
                }
                snapshot.models[model]?.channels[try row.decode("channel")] = known[id]
            }
            let canaries = try await connection.query(
                """
                SELECT mo.name AS model, ch.name AS channel, c.candidate_release_id, e.number, c.salt, c.share, c.deadline
                FROM eclm.canaries c JOIN eclm.models mo USING (model_id) JOIN eclm.channels ch USING (channel_id)
                JOIN eclm.releases e ON e.release_id = c.candidate_release_id
                WHERE c.state = 'running'
                """)
            for row in canaries {
                let id = ReleaseID(try row.decode("candidate_release_id"))
                let model: String = try row.decode("model")
                let candidate: CatalogueRelease
                if let release = known[id] {
                    candidate = release
                } else {
                    candidate = try await CatalogueRelease.load(
                        id, model: model, number: Int(try row.decode("number", as: Int32.self)), on: connection)
                    known[id] = candidate
                }
                snapshot.models[model]?.canaries[try row.decode("channel")] = CatalogueCanary(
                    assignment: CanaryAssignment(salt: try row.decode("salt"), share: try row.decode("share")),
                    deadline: try row.decode("deadline"), candidate: candidate)
            }
            for row in try await connection.query(DeviceClassRecord.select) {
                let record = try DeviceClassRecord(row)
                snapshot.deviceClasses[record.name] = record
            }
            // Only versions of releases in use: the table grows with history, this does not.
            let costs = try await connection.query(
                """
                SELECT DISTINCT k.device_class_id, k.module_version_id, k.memory, k.flops
                FROM eclm.release_modules rm JOIN eclm.costs k USING (module_version_id)
                WHERE rm.release_id IN (SELECT release_id FROM eclm.channels UNION SELECT unnest(\(pinned.map(\.rawValue)))
                    UNION SELECT candidate_release_id FROM eclm.canaries WHERE state = 'running')
                """)
            for row in costs {
                let id = DeviceClassID(try row.decode("device_class_id"))
                snapshot.measured[id, default: [:]][ModuleVersionID(try row.decode("module_version_id"))] =
                    MeasuredCosts(memory: try row.decode("memory"), flops: try row.decode("flops"))
            }
            return snapshot
        }
    }
}
