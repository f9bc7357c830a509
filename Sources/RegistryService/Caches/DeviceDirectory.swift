import Registry
import Synchronization

/// Remembers which class a device is of, so that composing does not ask the database.
final class DeviceDirectory: Sendable {
    /// How long an entry holds: a device that changes its class is seen after this at the latest.
    private static let lifetime: Duration = .seconds(30)
    private static let maximumEntries = 100_000

    private struct Entry {
        var deviceClass: String
        var expires: ContinuousClock.Instant
    }

    private let registry: Registry
    private let entries = Mutex<[String: Entry]>([:])

    init(registry: Registry) {
        self.registry = registry
    }

    /// The name of a device's class.
    ///
    /// - Throws: `notFound` for a device that is not registered.
    func deviceClass(of device: String) async throws(RegistryError) -> String {
        let now = ContinuousClock.now
        if let entry = entries.withLock({ $0[device] }), entry.expires > now { return entry.deviceClass }
        let record = try await registry.device(device)
        remember(record)
        return record.deviceClass
    }

    /// Notes a device's class as just read or written.
    func remember(_ record: DeviceRecord) {
        entries.withLock { entries in
            if entries.count >= Self.maximumEntries { entries = [:] }
            entries[record.deviceID] = Entry(deviceClass: record.deviceClass, expires: .now + Self.lifetime)
        }
    }
}
