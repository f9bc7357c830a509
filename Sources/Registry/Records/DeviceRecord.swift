public import ECLMCore
public import Foundation
import PostgreSQL

/// A device class: a name for hardware and runtime traits.
public struct DeviceClassRecord: Sendable, Hashable {
    /// The row's identity.
    public var deviceClassID: DeviceClassID
    /// The name, unique in the registry.
    public var name: String
    /// What devices of the class have.
    public var traits: DeviceTraits

    static let select: SQL = """
        SELECT device_class_id, name, memory, flops, dtypes, operators, runtime FROM eclm.device_classes
        """

    init(_ row: PostgresRow) throws {
        deviceClassID = DeviceClassID(try row.decode("device_class_id"))
        name = try row.decode("name")
        traits = DeviceTraits(
            memory: try row.decode("memory"), flops: try row.decode("flops"), dtypes: try row.dtypes(),
            operators: Set(try row.decode("operators", as: [String].self)), runtime: try row.runtime("runtime"))
    }
}

/// A registered device.
public struct DeviceRecord: Sendable, Hashable {
    /// The name that the device chose.
    public var deviceID: String
    /// The name of its class.
    public var deviceClass: String
    /// What it told of itself.
    public var attributes: [String: String]
    /// When it registered.
    public var registeredAt: Date

    static let select: SQL = """
        SELECT d.device_id, c.name AS device_class, d.attributes, d.registered_at
        FROM eclm.devices d JOIN eclm.device_classes c USING (device_class_id)
        """

    init(_ row: PostgresRow) throws {
        deviceID = try row.decode("device_id")
        deviceClass = try row.decode("device_class")
        attributes = try row.json("attributes", as: [String: String].self)
        registeredAt = try row.decode("registered_at")
    }
}
