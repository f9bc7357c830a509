public import ECLMCore
import PostgreSQL

/// What one module was measured to cost on a class of device.
public struct CostMeasurement: Sendable, Hashable {
    /// Peak memory in bytes.
    public var memory: Int64
    /// Floating-point operations for one sample, or what equals them in time.
    public var flops: Int64
    /// Time for one sample in microseconds, where it was measured.
    public var latencyMicroseconds: Int64?

    /// Each at least 0.
    public init(memory: Int64, flops: Int64, latencyMicroseconds: Int64? = nil) {
        self.memory = memory
        self.flops = flops
        self.latencyMicroseconds = latencyMicroseconds
    }
}

extension Registry {
    /// Records what the modules of a release cost on a device class; compositions for devices of the class count with
    /// these in place of the analytic figures. Modules that are not named keep what they had.
    ///
    /// - Parameters:
    ///   - costs: The measurements by the modules' places.
    ///   - deviceClass: The name of the class, which must be defined.
    ///   - release: The release whose module versions were measured.
    ///   - provenance: Who measured.
    /// - Returns: How many versions have new figures.
    /// - Throws: `notFound` for an unknown class, or a place that the release has no module in; `invalidArgument` for
    ///   negative figures.
    @discardableResult
    public func recordCosts(
        _ costs: [ModuleSlot: CostMeasurement], on deviceClass: String, of release: ReleaseRecord,
        as provenance: Provenance
    ) async throws(RegistryError) -> Int {
        let entries = costs.sorted { $0.key < $1.key }
        if let (slot, _) = entries.first(where: {
            min($0.value.memory, $0.value.flops, $0.value.latencyMicroseconds ?? 0) < 0
        }) {
            throw RegistryError(.invalidArgument, "the measured costs of \(slot.defaultName) are below 0")
        }
        return try await transaction(as: provenance) { connection in
            guard let classID = try await Self.deviceClassID(deviceClass, on: connection)?.rawValue else {
                throw RegistryError(
                    .notFound,
                    "there is no device class \(deviceClass.debugDescription); `registryctl device-class define` makes one"
                )
            }
            let rows = try await connection.query(
                """
                SELECT m.kind::text AS kind, m.layer, m.index, rm.module_version_id
                FROM eclm.release_modules rm JOIN eclm.modules m USING (module_id)
                WHERE rm.release_id = \(release.releaseID.rawValue)
                """)
            var versions: [ModuleSlot: Int64] = [:]
            for row in rows { versions[try row.slot()] = try row.decode("module_version_id") }
            let measured = try entries.map { slot, costs in
                guard let version = versions[slot] else {
                    throw RegistryError(
                        .notFound, "release \(release.number) of \(release.model) has no module \(slot.defaultName)")
                }
                return (version: version, costs: costs)
            }
            // -1 stands for no latency: arrays hold no NULL.
            return try await connection.query(
                """
                INSERT INTO eclm.costs AS c (module_version_id, device_class_id, memory, flops, latency_us)
                SELECT n.version, \(classID), n.memory, n.flops, nullif(n.latency, -1)
                FROM unnest(\(measured.map(\.version)), \(measured.map(\.costs.memory)),
                    \(measured.map(\.costs.flops)), \(measured.map { $0.costs.latencyMicroseconds ?? -1 }))
                    AS n (version, memory, flops, latency)
                ON CONFLICT (module_version_id, device_class_id) DO UPDATE
                SET memory = excluded.memory, flops = excluded.flops, latency_us = excluded.latency_us,
                    measured_at = clock_timestamp(), measured_by = eclm.actor()
                WHERE (c.memory, c.flops, c.latency_us)
                    IS DISTINCT FROM (excluded.memory, excluded.flops, excluded.latency_us)
                """
            ).rowsAffected
        }
    }
}
