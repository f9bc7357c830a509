/// A row's identity in the registry's database; the tag keeps a release's number from being passed as a module's.
public struct Identifier<Tag>: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    /// The `bigint` that PostgreSQL assigned.
    public let rawValue: Int64

    /// An identifier from the number the database knows it by.
    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// An identifier from the number the database knows it by.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    /// An identifier from its bare number.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    /// Writes the bare number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The bare number.
    public var description: String { String(rawValue) }

    /// The order in which PostgreSQL assigned them.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Tags of ``Identifier``; never instantiated.
public enum IdentifierTag {
    /// Tag of ``ModelID``.
    public enum Model {}
    /// Tag of ``ModuleID``.
    public enum Module {}
    /// Tag of ``ModuleVersionID``.
    public enum ModuleVersion {}
    /// Tag of ``ReleaseID``.
    public enum Release {}
    /// Tag of ``DeviceClassID``.
    public enum DeviceClass {}
    /// Tag of ``UpdateID``.
    public enum Update {}
    /// Tag of ``RoundID``.
    public enum Round {}
    /// Tag of ``RoundRequestID``.
    public enum RoundRequest {}
}

/// A model's row in `eclm.models`.
public typealias ModelID = Identifier<IdentifierTag.Model>
/// A module's row in `eclm.modules`.
public typealias ModuleID = Identifier<IdentifierTag.Module>
/// A module version's row in `eclm.module_versions`.
public typealias ModuleVersionID = Identifier<IdentifierTag.ModuleVersion>
/// A release's row in `eclm.releases`.
public typealias ReleaseID = Identifier<IdentifierTag.Release>
/// A device class's row in `eclm.device_classes`.
public typealias DeviceClassID = Identifier<IdentifierTag.DeviceClass>
/// An update's row in `eclm.updates`.
public typealias UpdateID = Identifier<IdentifierTag.Update>
/// A round's row in `eclm.rounds`.
public typealias RoundID = Identifier<IdentifierTag.Round>
/// A request's row in `eclm.round_requests`.
public typealias RoundRequestID = Identifier<IdentifierTag.RoundRequest>
