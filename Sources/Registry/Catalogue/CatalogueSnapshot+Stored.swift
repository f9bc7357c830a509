public import Composition
public import ECLMCore
import PostgreSQL

extension CatalogueSnapshot where Release == StoredRelease {
    /// The release that a channel points to, or for a device in the share of a canary the candidate.
    ///
    /// - Throws: `notFound` for an unknown model or channel.
    public func release(
        of model: String, channel: String, for device: String? = nil
    ) throws(RegistryError) -> StoredRelease {
        guard let entry = models[model] else { throw Registry.noSuchModel(model) }
        guard let release = entry.release(channel: channel, for: device) else {
            throw Registry.noSuchChannel(channel, of: model)
        }
        return release
    }

    /// What devices of a class have.
    ///
    /// - Throws: `notFound` for an unknown class.
    public func traits(ofDeviceClass name: String) throws(RegistryError) -> DeviceTraits {
        guard let traits = deviceClasses[name] else { throw Registry.noSuchDeviceClass(name) }
        return traits
    }

    /// Reads the catalogue in one consistent view; releases that `previous` holds are not read again.
    ///
    /// - Parameter pinned: Releases that no channel points to, whose measured costs are wanted as well.
    static func load(
        previous: Self?, pinned: [StoredRelease], from pool: PostgresPool
    ) async throws(RegistryError) -> Self {
        var known: [ReleaseID: StoredRelease] = [:]
        for model in previous?.models.values ?? [:].values {
            for release in model.releases { known[release.releaseID] = release }
        }
        let held = known
        return try await pool.registryTransaction(isolation: .repeatableRead, readOnly: true) { connection in
            var loading = CatalogueLoading(known: held)
            try await loading.readModels(on: connection)
            try await loading.readDeviceClasses(on: connection)
            try await loading.readMeasuredCosts(pinned: pinned, on: connection)
            return loading.snapshot
        }
    }
}

/// A snapshot on its way from the database.
private struct CatalogueLoading {
    var snapshot = CatalogueSnapshot<StoredRelease>()
    /// Releases that need not be read.
    private var known: [ReleaseID: StoredRelease]

    init(known: [ReleaseID: StoredRelease]) {
        self.known = known
    }

    mutating func readModels(on connection: PostgresConnection) async throws {
        for row in try await connection.query("SELECT name FROM eclm.models") {
            snapshot.models[try row.decode("name")] = .init()
        }
        let channels = try await connection.query(
            """
            SELECT mo.name AS model, c.name AS channel, c.release_id, e.number
            FROM eclm.channels c JOIN eclm.models mo USING (model_id) JOIN eclm.releases e USING (release_id)
            """)
        for row in channels {
            let release = try await release(row, on: connection)
            snapshot.models[release.model]?.channels[try row.decode("channel")] = release
        }
        let canaries = try await connection.query(
            """
            SELECT mo.name AS model, ch.name AS channel, c.candidate_release_id AS release_id, e.number, c.salt, c.share,
                c.deadline
            FROM eclm.canaries c JOIN eclm.models mo USING (model_id) JOIN eclm.channels ch USING (channel_id)
            JOIN eclm.releases e ON e.release_id = c.candidate_release_id
            WHERE c.state = 'running'
            """)
        for row in canaries {
            let candidate = try await release(row, on: connection)
            snapshot.models[candidate.model]?.canaries[try row.decode("channel")] = CatalogueCanary(
                assignment: CanaryAssignment(salt: try row.decode("salt"), share: try row.decode("share")),
                deadline: try row.decode("deadline"), candidate: candidate)
        }
    }

    private mutating func release(
        _ row: PostgresRow, on connection: PostgresConnection
    ) async throws -> StoredRelease {
        let id = ReleaseID(try row.decode("release_id"))
        if let release = known[id] { return release }
        let release = try await StoredRelease.load(
            id, model: try row.decode("model"), number: Int(try row.decode("number", as: Int32.self)), on: connection)
        known[id] = release
        return release
    }

    mutating func readDeviceClasses(on connection: PostgresConnection) async throws {
        for row in try await connection.query(DeviceClassRecord.select) {
            let record = try DeviceClassRecord(row)
            snapshot.deviceClasses[record.name] = record.traits
        }
    }

    /// Only versions of releases in use: the table grows with history, this does not.
    mutating func readMeasuredCosts(pinned: [StoredRelease], on connection: PostgresConnection) async throws {
        var places: [ModuleVersionID: [(release: ReleaseKey, slot: ModuleSlot)]] = [:]
        var seen: Set<ReleaseID> = []
        for release in snapshot.models.values.flatMap(\.releases) + pinned where seen.insert(release.releaseID).inserted
        {
            for (slot, id) in release.moduleVersionIDs { places[id, default: []].append((release.release.key, slot)) }
        }
        let rows = try await connection.query(
            """
            SELECT DISTINCT d.name AS device_class, k.module_version_id, k.memory, k.flops
            FROM eclm.release_modules rm JOIN eclm.costs k USING (module_version_id)
            JOIN eclm.device_classes d USING (device_class_id)
            WHERE rm.release_id = ANY (\(seen.map(\.rawValue).sorted()))
            """)
        for row in rows {
            let deviceClass: String = try row.decode("device_class")
            let costs = MeasuredCosts(memory: try row.decode("memory"), flops: try row.decode("flops"))
            for place in places[ModuleVersionID(try row.decode("module_version_id"))] ?? [] {
                snapshot.measured[deviceClass, default: [:]][place.release, default: [:]][place.slot] = costs
            }
        }
    }
}
