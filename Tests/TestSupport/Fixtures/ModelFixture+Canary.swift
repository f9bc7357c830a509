import Composition
import ECLMCore
import PostgreSQL
public import Registry

extension ModelFixture {
    /// Publishes new weights of `l0.m00` to a channel, or to none.
    ///
    /// - Returns: The number of the release.
    @discardableResult
    public func publishChange(seed: UInt64 = 2, channel: String? = nil) async throws -> Int {
        var manifest = manifest
        manifest.modules = manifest.modules.filter { $0.name == "l0.m00" }
        let bytes = try weights(of: "l0.m00", seed: seed)
        manifest.modules[0].digest = .of(bytes)
        try await registry.blobs.put(bytes, digest: .of(bytes))
        return try await registry.publish(manifest, channel: channel, as: Provenance(actor: "publisher")).release.number
    }

    /// Registers many devices at once.
    public func registerDevices(_ names: [String]) async throws {
        try await registry.pool.query(
            """
            INSERT INTO eclm.devices (device_id, device_class_id, token_digest)
            SELECT n.name, c.device_class_id, sha256(n.name::bytea)
            FROM unnest(\(names)) n (name), eclm.device_classes c WHERE c.name = \(Self.deviceClass)
            """)
    }

    /// Reports a metric for devices, each of the release that the canary gave it.
    ///
    /// - Parameter value: What a device measured, told whether it runs the candidate.
    public func report(
        to canary: CanaryRecord, from devices: [String], _ value: (Bool) -> Double
    ) async throws {
        for device in devices {
            let isCandidate = canary.assignment.includes(device)
            _ = try await registry.reportMetrics(
                [canary.settings.metric: value(isCandidate)], of: name,
                release: isCandidate ? canary.settings.candidate : canary.control, from: device)
        }
    }
}
