public import ECLMCore
import Foundation
import PostgreSQL

/// What a device tells of itself when it registers.
public struct DeviceRegistration: Sendable, Hashable {
    /// The name it chose: letters, digits, `.`, `_`, `:` and `-`, at most 128.
    public var deviceID: String
    /// The name of its class.
    public var deviceClass: String
    /// What it tells of itself: at most 32 pairs of at most 256 bytes each.
    public var attributes: [String: String]
    /// The 32 random bytes that prove later calls come from it; the same when it registers again.
    public var token: [UInt8]

    public init(deviceID: String, deviceClass: String, token: [UInt8], attributes: [String: String] = [:]) {
        self.deviceID = deviceID
        self.deviceClass = deviceClass
        self.attributes = attributes
        self.token = token
    }
}

extension Registry {
    /// The classes of device, by name.
    public func deviceClasses() async throws(RegistryError) -> [DeviceClassRecord] {
        try await registryErrors {
            try await pool.query("\(DeviceClassRecord.select) ORDER BY name").map(DeviceClassRecord.init)
        }
    }

    /// Makes a device class, or changes the traits of an existing one.
    ///
    /// - Throws: `invalidArgument` for a name or traits out of range.
    public func defineDeviceClass(
        _ name: String, traits: DeviceTraits, as provenance: Provenance
    ) async throws(RegistryError) -> DeviceClassRecord {
        try ManifestCheck.name(name, .deviceClass)
        guard traits.memory > 0, traits.flops > 0 else {
            throw RegistryError(.invalidArgument, "a device class needs memory and flops above 0")
        }
        guard traits.operators.count <= 1024 else {
            throw RegistryError(
                .invalidArgument, "a device class has at most 1024 operators, not \(traits.operators.count)")
        }
        for text in traits.operators { try ManifestCheck.name(text, .operator) }
        let runtime = traits.runtime
        return try await transaction(as: provenance) { connection in
            let rows = try await connection.query(
                """
                INSERT INTO eclm.device_classes (name, memory, flops, dtypes, operators, runtime)
                VALUES (\(name), \(traits.memory), \(traits.flops), \(traits.dtypes.map(\.rawValue).sorted()),
                    \(traits.operators.sorted()), \([runtime.major, runtime.minor, runtime.patch]))
                ON CONFLICT (name) DO UPDATE SET memory = excluded.memory, flops = excluded.flops,
                    dtypes = excluded.dtypes, operators = excluded.operators, runtime = excluded.runtime,
                    updated_at = clock_timestamp()
                RETURNING device_class_id, name, memory, flops, dtypes, operators, runtime
                """)
            return try DeviceClassRecord(rows.one())
        }
    }

    /// Registers a device, or changes the class and attributes of one that proves with its token that it is the same.
    ///
    /// The same registration twice is one registration.
    ///
    /// - Returns: The device, and whether this was the first time.
    /// - Throws: `invalidArgument` for a malformed registration; `notFound` for an unknown class;
    ///   `permissionDenied` when the name is taken by a device with another token.
    public func register(
        _ registration: DeviceRegistration, as provenance: Provenance
    ) async throws(RegistryError) -> (device: DeviceRecord, isNew: Bool) {
        try Self.check(registration)
        let attributes: JSONText
        do {
            attributes = JSONText(try CanonicalJSON.string(registration.attributes))
        } catch {
            throw RegistryError(.invalidArgument, "the attributes cannot be written as JSON", cause: error)
        }
        return try await transaction(as: provenance) { connection in
            guard let classID = try await Self.deviceClassID(registration.deviceClass, on: connection)?.rawValue else {
                throw Self.noSuchDeviceClass(registration.deviceClass)
            }
            let inserted = try await connection.query(
                """
                INSERT INTO eclm.devices (device_id, device_class_id, token_digest, attributes)
                VALUES (\(registration.deviceID), \(classID), \(Digest.of(registration.token).bytes), \(attributes))
                ON CONFLICT (device_id) DO NOTHING RETURNING device_id
                """)
            if inserted.isEmpty {
                try await Self.checkToken(registration.token, of: registration.deviceID, on: connection)
                try await connection.query(
                    """
                    UPDATE eclm.devices SET device_class_id = \(classID), attributes = \(attributes)
                    WHERE device_id = \(registration.deviceID)
                        AND (device_class_id, attributes) IS DISTINCT FROM (\(classID), \(attributes))
                    """)
            }
            let row = try await connection.query(
                "\(DeviceRecord.select) WHERE d.device_id = \(registration.deviceID)"
            ).one()
            return (try DeviceRecord(row), !inserted.isEmpty)
        }
    }

    /// Whether `token` is the one that the device registered with; `nil` for a device that is not registered.
    public func isToken(_ token: [UInt8], of deviceID: String) async throws(RegistryError) -> Bool? {
        try await registryErrors {
            let rows = try await pool.query("SELECT token_digest FROM eclm.devices WHERE device_id = \(deviceID)")
            return try rows.first.map { try $0.digest("token_digest") == Digest.of(token) }
        }
    }

    public func device(_ deviceID: String) async throws(RegistryError) -> DeviceRecord {
        try await registryErrors {
            let rows = try await pool.query("\(DeviceRecord.select) WHERE d.device_id = \(deviceID)")
            guard let row = rows.first else { throw Self.noSuchDevice(deviceID) }
            return try DeviceRecord(row)
        }
    }

    /// The devices by name, of one class or of all.
    public func devices(
        idContaining text: String = "", deviceClass: String? = nil, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<DeviceRecord> {
        var conditions: [SQL] = ["d.device_id > \(page.token)"]
        if !text.isEmpty { conditions.append("d.device_id LIKE \(Self.contains(text))") }
        if let deviceClass { conditions.append("c.name = \(deviceClass)") }
        let condition = conditions.joined(separator: " AND ")
        return try await registryErrors {
            let rows = try await pool.query(
                """
                \(DeviceRecord.select) WHERE \(condition)
                ORDER BY d.device_id LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(DeviceRecord.init), size: page.size) { $0.deviceID }
        }
    }

    /// The identity of a device class by name; `nil` where there is none.
    static func deviceClassID(
        _ name: String, on connection: PostgresConnection
    ) async throws -> DeviceClassID? {
        try await connection.query("SELECT device_class_id FROM eclm.device_classes WHERE name = \(name)").first.map {
            DeviceClassID(try $0.decode("device_class_id"))
        }
    }

    static func noSuchDeviceClass(_ name: String) -> RegistryError {
        RegistryError(.notFound, "there is no device class \(name.debugDescription); an operator defines classes")
    }

    static func noSuchDevice(_ deviceID: String) -> RegistryError {
        RegistryError(.notFound, "device \(deviceID.debugDescription) is not registered; register it first")
    }

    private static func check(_ registration: DeviceRegistration) throws(RegistryError) {
        try ManifestCheck.name(registration.deviceID, .device)
        guard registration.token.count == 32 else {
            throw RegistryError(
                .invalidArgument, "a device's token is 32 random bytes that it chooses, not \(registration.token.count)"
            )
        }
        guard registration.attributes.count <= 32,
            registration.attributes.allSatisfy({ $0.key.utf8.count <= 256 && $0.value.utf8.count <= 256 })
        else {
            throw RegistryError(.invalidArgument, "a device has at most 32 attributes of at most 256 bytes each")
        }
    }

    private static func checkToken(
        _ token: [UInt8], of deviceID: String, on connection: PostgresConnection
    ) async throws {
        let row = try await connection.query(
            "SELECT token_digest FROM eclm.devices WHERE device_id = \(deviceID)"
        ).one()
        guard try row.digest("token_digest") == Digest.of(token) else {
            throw RegistryError(
                .permissionDenied,
                "device \(deviceID) is registered with another token; use that token, or choose another name")
        }
    }
}
