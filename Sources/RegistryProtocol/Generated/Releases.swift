// swift-format-ignore-file
// Generated from proto/releases.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// What made a release.
    public struct ReleaseOrigin: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `RELEASE_ORIGIN_UNKNOWN`
        public static let unknown = ReleaseOrigin(rawValue: 0)
        /// `RELEASE_ORIGIN_PUBLISH`
        public static let publish = ReleaseOrigin(rawValue: 1)
        /// `RELEASE_ORIGIN_ROUND`
        public static let round = ReleaseOrigin(rawValue: 2)
        /// `RELEASE_ORIGIN_ROLLBACK`
        public static let rollback = ReleaseOrigin(rawValue: 3)
    }
}

extension Wire {
    /// The message `eclm.v1.Release`.
    public struct Release: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `number`, number 2.
        public var number: Int32 = 0
        /// Field `parent`, number 3.
        public var parent: Int32?
        /// publish, round or rollback: as release_origin, for clients that do not know it.
        public var origin: String = ""
        /// Field `round`, number 5.
        public var round: Int32?
        /// Field `reason`, number 6.
        public var reason: String = ""
        /// Field `created_at_us`, number 7.
        public var createdAtUs: Int64 = 0
        /// Field `created_by`, number 8.
        public var createdBy: String = ""
        /// Field `withdrawn`, number 9.
        public var withdrawn: Bool = false
        /// Field `channels`, number 10.
        public var channels: [String] = []
        /// Counts; absent from old servers, which write origin alone.
        public var releaseOrigin: ReleaseOrigin?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Release: CBackedMessage {
    package static var wireName: String { "eclm.v1.Release" }

    package static func emptyStruct() -> Eclm__V1__Release {
        var empty = Eclm__V1__Release()
        eclm__v1__release__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Release) {
        self.init()
        model = readString(c.model)
        number = c.number
        if c.has_parent != 0 { parent = c.parent }
        origin = readString(c.origin)
        if c.has_round != 0 { round = c.round }
        reason = readString(c.reason)
        createdAtUs = c.created_at_us
        createdBy = readString(c.created_by)
        withdrawn = c.withdrawn != 0
        channels = readStrings(c.channels, c.n_channels)
        if c.has_release_origin != 0 { releaseOrigin = Wire.ReleaseOrigin(rawValue: Int32(bitPattern: c.release_origin.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__Release, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.has_number = 1
        c.number = number
        if let value = parent {
            c.has_parent = 1
            c.parent = value
        }
        c.origin = arena.string(origin, "origin")
        if let value = round {
            c.has_round = 1
            c.round = value
        }
        c.reason = arena.string(reason, "reason")
        c.has_created_at_us = 1
        c.created_at_us = createdAtUs
        c.created_by = arena.string(createdBy, "created_by")
        c.has_withdrawn = 1
        c.withdrawn = withdrawn ? 1 : 0
        c.n_channels = channels.count
        c.channels = arena.strings(channels, "channels")
        if let value = releaseOrigin {
            c.has_release_origin = 1
            c.release_origin = Eclm__V1__ReleaseOrigin(rawValue: UInt32(bitPattern: value.rawValue))
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListReleasesRequest`.
    public struct ListReleasesRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `page`, number 2.
        public var page: Page?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListReleasesRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListReleasesRequest" }

    package static func emptyStruct() -> Eclm__V1__ListReleasesRequest {
        var empty = Eclm__V1__ListReleasesRequest()
        eclm__v1__list_releases_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListReleasesRequest) {
        self.init()
        model = readString(c.model)
        page = readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ListReleasesRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        if let value = page {
            c.page = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListReleasesResponse`.
    public struct ListReleasesResponse: WireMessage, Hashable {
        /// Field `releases`, number 1.
        public var releases: [Release] = []
        /// Field `next_page_token`, number 2.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListReleasesResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListReleasesResponse" }

    package static func emptyStruct() -> Eclm__V1__ListReleasesResponse {
        var empty = Eclm__V1__ListReleasesResponse()
        eclm__v1__list_releases_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListReleasesResponse) {
        self.init()
        releases = readMessages(c.releases, c.n_releases)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ListReleasesResponse, in arena: Arena) {
        c.n_releases = releases.count
        c.releases = arena.messages(releases)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
    }
}

extension Wire {
    /// The message `eclm.v1.GetReleaseRequest`.
    public struct GetReleaseRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `release`, number 2.
        public var release: ReleaseSelector?
        /// Whom it is for: a device in the share of the channel's canary gets the candidate. Absent: the device that calls, if
        /// the caller is one.
        public var deviceId: String?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetReleaseRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetReleaseRequest" }

    package static func emptyStruct() -> Eclm__V1__GetReleaseRequest {
        var empty = Eclm__V1__GetReleaseRequest()
        eclm__v1__get_release_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetReleaseRequest) {
        self.init()
        model = readString(c.model)
        release = readMessage(c.release)
        if c.device_id != nil { deviceId = readString(c.device_id) }
    }

    package func fill(_ c: inout Eclm__V1__GetReleaseRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        if let value = release {
            c.release = arena.message(value)
        }
        if let value = deviceId {
            c.device_id = arena.string(value, "device_id")
        }
    }
}

extension Wire {
    /// The message `eclm.v1.GetReleaseResponse`.
    public struct GetReleaseResponse: WireMessage, Hashable {
        /// Field `release`, number 1.
        public var release: Release?
        /// Field `modules`, number 2.
        public var modules: [ReleasedModule] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetReleaseResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetReleaseResponse" }

    package static func emptyStruct() -> Eclm__V1__GetReleaseResponse {
        var empty = Eclm__V1__GetReleaseResponse()
        eclm__v1__get_release_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetReleaseResponse) {
        self.init()
        release = readMessage(c.release)
        modules = readMessages(c.modules, c.n_modules)
    }

    package func fill(_ c: inout Eclm__V1__GetReleaseResponse, in arena: Arena) {
        if let value = release {
            c.release = arena.message(value)
        }
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
    }
}

extension Wire {
    /// The message `eclm.v1.ManifestLayer`.
    public struct ManifestLayer: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `block`, number 2.
        public var block: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ManifestLayer: CBackedMessage {
    package static var wireName: String { "eclm.v1.ManifestLayer" }

    package static func emptyStruct() -> Eclm__V1__ManifestLayer {
        var empty = Eclm__V1__ManifestLayer()
        eclm__v1__manifest_layer__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ManifestLayer) {
        self.init()
        name = readString(c.name)
        block = readString(c.block)
    }

    package func fill(_ c: inout Eclm__V1__ManifestLayer, in arena: Arena) {
        c.name = arena.string(name, "name")
        c.block = arena.string(block, "block")
    }
}

extension Wire {
    /// The message `eclm.v1.ManifestModule`.
    public struct ManifestModule: WireMessage, Hashable {
        /// Field `slot`, number 1.
        public var slot: ModuleSlot?
        /// Field `name`, number 2.
        public var name: String = ""
        /// Field `digest`, number 3.
        public var digest: [UInt8] = []
        /// Field `costs`, number 4.
        public var costs: ModuleCosts?
        /// Field `requirements`, number 5.
        public var requirements: Requirements?
        /// Field `importance`, number 6.
        public var importance: Double = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ManifestModule: CBackedMessage {
    package static var wireName: String { "eclm.v1.ManifestModule" }

    package static func emptyStruct() -> Eclm__V1__ManifestModule {
        var empty = Eclm__V1__ManifestModule()
        eclm__v1__manifest_module__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ManifestModule) {
        self.init()
        slot = readMessage(c.slot)
        name = readString(c.name)
        digest = readBytes(c.digest)
        costs = readMessage(c.costs)
        requirements = readMessage(c.requirements)
        importance = c.importance
    }

    package func fill(_ c: inout Eclm__V1__ManifestModule, in arena: Arena) {
        if let value = slot {
            c.slot = arena.message(value)
        }
        c.name = arena.string(name, "name")
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        if let value = costs {
            c.costs = arena.message(value)
        }
        if let value = requirements {
            c.requirements = arena.message(value)
        }
        c.has_importance = 1
        c.importance = importance
    }
}

extension Wire {
    /// The blobs must be there already (BlobService.Put). Tensors are read from the blobs themselves.
    public struct PublishRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `summary`, number 2.
        public var summary: String = ""
        /// Field `layers`, number 3.
        public var layers: [ManifestLayer] = []
        /// Field `modules`, number 4.
        public var modules: [ManifestModule] = []
        /// The channel to move to the new release; empty moves none.
        public var channel: String = ""
        /// Field `reason`, number 6.
        public var reason: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.PublishRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.PublishRequest" }

    package static func emptyStruct() -> Eclm__V1__PublishRequest {
        var empty = Eclm__V1__PublishRequest()
        eclm__v1__publish_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__PublishRequest) {
        self.init()
        model = readString(c.model)
        summary = readString(c.summary)
        layers = readMessages(c.layers, c.n_layers)
        modules = readMessages(c.modules, c.n_modules)
        channel = readString(c.channel)
        reason = readString(c.reason)
    }

    package func fill(_ c: inout Eclm__V1__PublishRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.summary = arena.string(summary, "summary")
        c.n_layers = layers.count
        c.layers = arena.messages(layers)
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
        c.channel = arena.string(channel, "channel")
        c.reason = arena.string(reason, "reason")
    }
}

extension Wire {
    /// The message `eclm.v1.PublishResponse`.
    public struct PublishResponse: WireMessage, Hashable {
        /// Field `release`, number 1.
        public var release: Release?
        /// Field `new_versions`, number 2.
        public var newVersions: Int32 = 0
        /// Field `kept_versions`, number 3.
        public var keptVersions: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.PublishResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.PublishResponse" }

    package static func emptyStruct() -> Eclm__V1__PublishResponse {
        var empty = Eclm__V1__PublishResponse()
        eclm__v1__publish_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__PublishResponse) {
        self.init()
        release = readMessage(c.release)
        newVersions = c.new_versions
        keptVersions = c.kept_versions
    }

    package func fill(_ c: inout Eclm__V1__PublishResponse, in arena: Arena) {
        if let value = release {
            c.release = arena.message(value)
        }
        c.has_new_versions = 1
        c.new_versions = newVersions
        c.has_kept_versions = 1
        c.kept_versions = keptVersions
    }
}

extension Wire {
    /// The message `eclm.v1.RollbackModule`.
    public struct RollbackModule: WireMessage, Hashable {
        /// Field `module`, number 1.
        public var module: String = ""
        /// The version to go back to; absent for the one before the current.
        public var version: Int32?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.RollbackModule: CBackedMessage {
    package static var wireName: String { "eclm.v1.RollbackModule" }

    package static func emptyStruct() -> Eclm__V1__RollbackModule {
        var empty = Eclm__V1__RollbackModule()
        eclm__v1__rollback_module__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RollbackModule) {
        self.init()
        module = readString(c.module)
        if c.has_version != 0 { version = c.version }
    }

    package func fill(_ c: inout Eclm__V1__RollbackModule, in arena: Arena) {
        c.module = arena.string(module, "module")
        if let value = version {
            c.has_version = 1
            c.version = value
        }
    }
}

extension Wire {
    /// Exactly one of to_release and modules.
    public struct RollbackRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `channel`, number 2.
        public var channel: String = "stable"
        /// Field `to_release`, number 3.
        public var toRelease: Int32?
        /// Field `modules`, number 4.
        public var modules: [RollbackModule] = []
        /// Field `reason`, number 5.
        public var reason: String = ""
        /// Take what was withdrawn back into service where the target holds it.
        public var reinstate: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.RollbackRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.RollbackRequest" }

    package static func emptyStruct() -> Eclm__V1__RollbackRequest {
        var empty = Eclm__V1__RollbackRequest()
        eclm__v1__rollback_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RollbackRequest) {
        self.init()
        model = readString(c.model)
        channel = readString(c.channel)
        if c.has_to_release != 0 { toRelease = c.to_release }
        modules = readMessages(c.modules, c.n_modules)
        reason = readString(c.reason)
        reinstate = c.reinstate != 0
    }

    package func fill(_ c: inout Eclm__V1__RollbackRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.channel = arena.string(channel, "channel")
        if let value = toRelease {
            c.has_to_release = 1
            c.to_release = value
        }
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
        c.reason = arena.string(reason, "reason")
        c.has_reinstate = 1
        c.reinstate = reinstate ? 1 : 0
    }
}

extension Wire {
    /// The message `eclm.v1.ModuleChange`.
    public struct ModuleChange: WireMessage, Hashable {
        /// Field `module`, number 1.
        public var module: String = ""
        /// Field `from_version`, number 2.
        public var fromVersion: Int32 = 0
        /// Field `to_version`, number 3.
        public var toVersion: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ModuleChange: CBackedMessage {
    package static var wireName: String { "eclm.v1.ModuleChange" }

    package static func emptyStruct() -> Eclm__V1__ModuleChange {
        var empty = Eclm__V1__ModuleChange()
        eclm__v1__module_change__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ModuleChange) {
        self.init()
        module = readString(c.module)
        fromVersion = c.from_version
        toVersion = c.to_version
    }

    package func fill(_ c: inout Eclm__V1__ModuleChange, in arena: Arena) {
        c.module = arena.string(module, "module")
        c.has_from_version = 1
        c.from_version = fromVersion
        c.has_to_version = 1
        c.to_version = toVersion
    }
}

extension Wire {
    /// The message `eclm.v1.RollbackResponse`.
    public struct RollbackResponse: WireMessage, Hashable {
        /// Field `release`, number 1.
        public var release: Release?
        /// Field `changes`, number 2.
        public var changes: [ModuleChange] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.RollbackResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.RollbackResponse" }

    package static func emptyStruct() -> Eclm__V1__RollbackResponse {
        var empty = Eclm__V1__RollbackResponse()
        eclm__v1__rollback_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RollbackResponse) {
        self.init()
        release = readMessage(c.release)
        changes = readMessages(c.changes, c.n_changes)
    }

    package func fill(_ c: inout Eclm__V1__RollbackResponse, in arena: Arena) {
        if let value = release {
            c.release = arena.message(value)
        }
        c.n_changes = changes.count
        c.changes = arena.messages(changes)
    }
}

/// The methods of `eclm.v1.ReleaseService`.
public enum ReleaseServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.ReleaseService"
    /// `ReleaseService.ListReleases`
    public static let listReleases = RemoteMethod<Wire.ListReleasesRequest, Wire.ListReleasesResponse>(
        service: name, name: "ListReleases", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `ReleaseService.GetRelease`
    public static let getRelease = RemoteMethod<Wire.GetReleaseRequest, Wire.GetReleaseResponse>(
        service: name, name: "GetRelease", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// Equal content makes no new version and no new release, but the channel moves again.
    public static let publish = RemoteMethod<Wire.PublishRequest, Wire.PublishResponse>(
        service: name, name: "Publish", repeatability: .notRepeatable, roles: [.publisher], deadline: .milliseconds(120000))
    /// Modules without a version go back one more each time.
    public static let rollback = RemoteMethod<Wire.RollbackRequest, Wire.RollbackResponse>(
        service: name, name: "Rollback", repeatability: .notRepeatable, roles: [.operator], deadline: .milliseconds(60000))
}
