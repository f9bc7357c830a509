// swift-format-ignore-file
// Generated from proto/models.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// What made a module version.
    public struct VersionOrigin: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `VERSION_ORIGIN_UNKNOWN`
        public static let unknown = VersionOrigin(rawValue: 0)
        /// `VERSION_ORIGIN_PUBLISH`
        public static let publish = VersionOrigin(rawValue: 1)
        /// `VERSION_ORIGIN_ROUND`
        public static let round = VersionOrigin(rawValue: 2)
        /// `VERSION_ORIGIN_ROLLBACK`
        public static let rollback = VersionOrigin(rawValue: 3)
    }
}

extension Wire {
    /// The message `eclm.v1.ListModelsRequest`.
    public struct ListModelsRequest: WireMessage, Hashable {
        /// A part of the name; empty for all.
        public var nameContains: String = ""
        /// Field `page`, number 2.
        public var page: Page?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListModelsRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListModelsRequest" }

    package static func emptyStruct() -> Eclm__V1__ListModelsRequest {
        var empty = Eclm__V1__ListModelsRequest()
        eclm__v1__list_models_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListModelsRequest) {
        self.init()
        nameContains = readString(c.name_contains)
        page = readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ListModelsRequest, in arena: Arena) {
        c.name_contains = arena.string(nameContains, "name_contains")
        if let value = page {
            c.page = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListModelsResponse`.
    public struct ListModelsResponse: WireMessage, Hashable {
        /// Field `models`, number 1.
        public var models: [Model] = []
        /// Field `next_page_token`, number 2.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListModelsResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListModelsResponse" }

    package static func emptyStruct() -> Eclm__V1__ListModelsResponse {
        var empty = Eclm__V1__ListModelsResponse()
        eclm__v1__list_models_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListModelsResponse) {
        self.init()
        models = readMessages(c.models, c.n_models)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ListModelsResponse, in arena: Arena) {
        c.n_models = models.count
        c.models = arena.messages(models)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
    }
}

extension Wire {
    /// The message `eclm.v1.GetModelRequest`.
    public struct GetModelRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetModelRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetModelRequest" }

    package static func emptyStruct() -> Eclm__V1__GetModelRequest {
        var empty = Eclm__V1__GetModelRequest()
        eclm__v1__get_model_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetModelRequest) {
        self.init()
        model = readString(c.model)
    }

    package func fill(_ c: inout Eclm__V1__GetModelRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
    }
}

extension Wire {
    /// The message `eclm.v1.ModuleLayer`.
    public struct ModuleLayer: WireMessage, Hashable {
        /// Field `layer`, number 1.
        public var layer: Int32 = 0
        /// Field `name`, number 2.
        public var name: String = ""
        /// Field `block`, number 3.
        public var block: String = ""
        /// Field `modules`, number 4.
        public var modules: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ModuleLayer: CBackedMessage {
    package static var wireName: String { "eclm.v1.ModuleLayer" }

    package static func emptyStruct() -> Eclm__V1__ModuleLayer {
        var empty = Eclm__V1__ModuleLayer()
        eclm__v1__module_layer__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ModuleLayer) {
        self.init()
        layer = c.layer
        name = readString(c.name)
        block = readString(c.block)
        modules = c.modules
    }

    package func fill(_ c: inout Eclm__V1__ModuleLayer, in arena: Arena) {
        c.has_layer = 1
        c.layer = layer
        c.name = arena.string(name, "name")
        c.block = arena.string(block, "block")
        c.has_modules = 1
        c.modules = modules
    }
}

extension Wire {
    /// The message `eclm.v1.ChannelPointer`.
    public struct ChannelPointer: WireMessage, Hashable {
        /// Field `channel`, number 1.
        public var channel: String = ""
        /// Field `release`, number 2.
        public var release: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ChannelPointer: CBackedMessage {
    package static var wireName: String { "eclm.v1.ChannelPointer" }

    package static func emptyStruct() -> Eclm__V1__ChannelPointer {
        var empty = Eclm__V1__ChannelPointer()
        eclm__v1__channel_pointer__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ChannelPointer) {
        self.init()
        channel = readString(c.channel)
        release = c.release
    }

    package func fill(_ c: inout Eclm__V1__ChannelPointer, in arena: Arena) {
        c.channel = arena.string(channel, "channel")
        c.has_release = 1
        c.release = release
    }
}

extension Wire {
    /// The message `eclm.v1.Model`.
    public struct Model: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `summary`, number 2.
        public var summary: String = ""
        /// Field `created_at_us`, number 3.
        public var createdAtUs: Int64 = 0
        /// Field `created_by`, number 4.
        public var createdBy: String = ""
        /// Field `modules`, number 5.
        public var modules: Int32 = 0
        /// The newest release's number; 0 when there is none.
        public var newestRelease: Int32 = 0
        /// Field `layers`, number 7.
        public var layers: [ModuleLayer] = []
        /// Field `channels`, number 8.
        public var channels: [ChannelPointer] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Model: CBackedMessage {
    package static var wireName: String { "eclm.v1.Model" }

    package static func emptyStruct() -> Eclm__V1__Model {
        var empty = Eclm__V1__Model()
        eclm__v1__model__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Model) {
        self.init()
        name = readString(c.name)
        summary = readString(c.summary)
        createdAtUs = c.created_at_us
        createdBy = readString(c.created_by)
        modules = c.modules
        newestRelease = c.newest_release
        layers = readMessages(c.layers, c.n_layers)
        channels = readMessages(c.channels, c.n_channels)
    }

    package func fill(_ c: inout Eclm__V1__Model, in arena: Arena) {
        c.name = arena.string(name, "name")
        c.summary = arena.string(summary, "summary")
        c.has_created_at_us = 1
        c.created_at_us = createdAtUs
        c.created_by = arena.string(createdBy, "created_by")
        c.has_modules = 1
        c.modules = modules
        c.has_newest_release = 1
        c.newest_release = newestRelease
        c.n_layers = layers.count
        c.layers = arena.messages(layers)
        c.n_channels = channels.count
        c.channels = arena.messages(channels)
    }
}

extension Wire {
    /// The message `eclm.v1.GetModelResponse`.
    public struct GetModelResponse: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `summary`, number 2.
        public var summary: String = ""
        /// Field `created_at_us`, number 3.
        public var createdAtUs: Int64 = 0
        /// Field `created_by`, number 4.
        public var createdBy: String = ""
        /// Field `modules`, number 5.
        public var modules: Int32 = 0
        /// The newest release's number; 0 when there is none.
        public var newestRelease: Int32 = 0
        /// Field `layers`, number 7.
        public var layers: [ModuleLayer] = []
        /// Field `channels`, number 8.
        public var channels: [ChannelPointer] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetModelResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetModelResponse" }

    package static func emptyStruct() -> Eclm__V1__GetModelResponse {
        var empty = Eclm__V1__GetModelResponse()
        eclm__v1__get_model_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetModelResponse) {
        self.init()
        name = readString(c.name)
        summary = readString(c.summary)
        createdAtUs = c.created_at_us
        createdBy = readString(c.created_by)
        modules = c.modules
        newestRelease = c.newest_release
        layers = readMessages(c.layers, c.n_layers)
        channels = readMessages(c.channels, c.n_channels)
    }

    package func fill(_ c: inout Eclm__V1__GetModelResponse, in arena: Arena) {
        c.name = arena.string(name, "name")
        c.summary = arena.string(summary, "summary")
        c.has_created_at_us = 1
        c.created_at_us = createdAtUs
        c.created_by = arena.string(createdBy, "created_by")
        c.has_modules = 1
        c.modules = modules
        c.has_newest_release = 1
        c.newest_release = newestRelease
        c.n_layers = layers.count
        c.layers = arena.messages(layers)
        c.n_channels = channels.count
        c.channels = arena.messages(channels)
    }
}

extension Wire.GetModelResponse {
    /// The message with the fields of a ``Wire/Model``.
    public init(_ model: Wire.Model) {
        self.init()
        name = model.name
        summary = model.summary
        createdAtUs = model.createdAtUs
        createdBy = model.createdBy
        modules = model.modules
        newestRelease = model.newestRelease
        layers = model.layers
        channels = model.channels
    }

    /// Its fields as a ``Wire/Model``.
    public var model: Wire.Model {
        var model = Wire.Model()
        model.name = name
        model.summary = summary
        model.createdAtUs = createdAtUs
        model.createdBy = createdBy
        model.modules = modules
        model.newestRelease = newestRelease
        model.layers = layers
        model.channels = channels
        return model
    }
}

extension Wire {
    /// The message `eclm.v1.ListModulesRequest`.
    public struct ListModulesRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `release`, number 2.
        public var release: ReleaseSelector?
        /// Field `kind`, number 3.
        public var kind: ModuleKind?
        /// Field `layer`, number 4.
        public var layer: Int32?
        /// Field `name_contains`, number 5.
        public var nameContains: String = ""
        /// Field `page`, number 6.
        public var page: Page?
        /// Whom the release is for: a device in the share of the channel's canary gets the candidate. Absent: the device that
        /// calls, if the caller is one.
        public var deviceId: String?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListModulesRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListModulesRequest" }

    package static func emptyStruct() -> Eclm__V1__ListModulesRequest {
        var empty = Eclm__V1__ListModulesRequest()
        eclm__v1__list_modules_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListModulesRequest) {
        self.init()
        model = readString(c.model)
        release = readMessage(c.release)
        if c.has_kind != 0 { kind = Wire.ModuleKind(rawValue: Int32(bitPattern: c.kind.rawValue)) }
        if c.has_layer != 0 { layer = c.layer }
        nameContains = readString(c.name_contains)
        page = readMessage(c.page)
        if c.device_id != nil { deviceId = readString(c.device_id) }
    }

    package func fill(_ c: inout Eclm__V1__ListModulesRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        if let value = release {
            c.release = arena.message(value)
        }
        if let value = kind {
            c.has_kind = 1
            c.kind = Eclm__V1__ModuleKind(rawValue: UInt32(bitPattern: value.rawValue))
        }
        if let value = layer {
            c.has_layer = 1
            c.layer = value
        }
        c.name_contains = arena.string(nameContains, "name_contains")
        if let value = page {
            c.page = arena.message(value)
        }
        if let value = deviceId {
            c.device_id = arena.string(value, "device_id")
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListModulesResponse`.
    public struct ListModulesResponse: WireMessage, Hashable {
        /// Field `release`, number 1.
        public var release: Int32 = 0
        /// Field `modules`, number 2.
        public var modules: [ReleasedModule] = []
        /// Field `next_page_token`, number 3.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListModulesResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListModulesResponse" }

    package static func emptyStruct() -> Eclm__V1__ListModulesResponse {
        var empty = Eclm__V1__ListModulesResponse()
        eclm__v1__list_modules_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListModulesResponse) {
        self.init()
        release = c.release
        modules = readMessages(c.modules, c.n_modules)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ListModulesResponse, in arena: Arena) {
        c.has_release = 1
        c.release = release
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
    }
}

extension Wire {
    /// The message `eclm.v1.ReleasedModule`.
    public struct ReleasedModule: WireMessage, Hashable {
        /// Field `version`, number 1.
        public var version: ModuleVersion?
        /// Field `importance`, number 2.
        public var importance: Double = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ReleasedModule: CBackedMessage {
    package static var wireName: String { "eclm.v1.ReleasedModule" }

    package static func emptyStruct() -> Eclm__V1__ReleasedModule {
        var empty = Eclm__V1__ReleasedModule()
        eclm__v1__released_module__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ReleasedModule) {
        self.init()
        version = readMessage(c.version)
        importance = c.importance
    }

    package func fill(_ c: inout Eclm__V1__ReleasedModule, in arena: Arena) {
        if let value = version {
            c.version = arena.message(value)
        }
        c.has_importance = 1
        c.importance = importance
    }
}

extension Wire {
    /// The message `eclm.v1.ModuleVersion`.
    public struct ModuleVersion: WireMessage, Hashable {
        /// Field `module_version_id`, number 1.
        public var moduleVersionId: Int64 = 0
        /// Field `model`, number 2.
        public var model: String = ""
        /// Field `module`, number 3.
        public var module: String = ""
        /// Field `slot`, number 4.
        public var slot: ModuleSlot?
        /// Field `version`, number 5.
        public var version: Int32 = 0
        /// Field `digest`, number 6.
        public var digest: [UInt8] = []
        /// Field `dtype`, number 7.
        public var dtype: String = ""
        /// Field `tensors`, number 8.
        public var tensors: [Tensor] = []
        /// Field `costs`, number 9.
        public var costs: ModuleCosts?
        /// Field `requirements`, number 10.
        public var requirements: Requirements?
        /// publish, round or rollback: as version_origin, for clients that do not know it.
        public var origin: String = ""
        /// Field `round`, number 12.
        public var round: Int32?
        /// Field `created_at_us`, number 13.
        public var createdAtUs: Int64 = 0
        /// Field `created_by`, number 14.
        public var createdBy: String = ""
        /// Field `withdrawn`, number 15.
        public var withdrawn: Bool = false
        /// Counts; absent from old servers, which write origin alone.
        public var versionOrigin: VersionOrigin?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ModuleVersion: CBackedMessage {
    package static var wireName: String { "eclm.v1.ModuleVersion" }

    package static func emptyStruct() -> Eclm__V1__ModuleVersion {
        var empty = Eclm__V1__ModuleVersion()
        eclm__v1__module_version__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ModuleVersion) {
        self.init()
        moduleVersionId = c.module_version_id
        model = readString(c.model)
        module = readString(c.module)
        slot = readMessage(c.slot)
        version = c.version
        digest = readBytes(c.digest)
        dtype = readString(c.dtype)
        tensors = readMessages(c.tensors, c.n_tensors)
        costs = readMessage(c.costs)
        requirements = readMessage(c.requirements)
        origin = readString(c.origin)
        if c.has_round != 0 { round = c.round }
        createdAtUs = c.created_at_us
        createdBy = readString(c.created_by)
        withdrawn = c.withdrawn != 0
        if c.has_version_origin != 0 { versionOrigin = Wire.VersionOrigin(rawValue: Int32(bitPattern: c.version_origin.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__ModuleVersion, in arena: Arena) {
        c.has_module_version_id = 1
        c.module_version_id = moduleVersionId
        c.model = arena.string(model, "model")
        c.module = arena.string(module, "module")
        if let value = slot {
            c.slot = arena.message(value)
        }
        c.has_version = 1
        c.version = version
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.dtype = arena.string(dtype, "dtype")
        c.n_tensors = tensors.count
        c.tensors = arena.messages(tensors)
        if let value = costs {
            c.costs = arena.message(value)
        }
        if let value = requirements {
            c.requirements = arena.message(value)
        }
        c.origin = arena.string(origin, "origin")
        if let value = round {
            c.has_round = 1
            c.round = value
        }
        c.has_created_at_us = 1
        c.created_at_us = createdAtUs
        c.created_by = arena.string(createdBy, "created_by")
        c.has_withdrawn = 1
        c.withdrawn = withdrawn ? 1 : 0
        if let value = versionOrigin {
            c.has_version_origin = 1
            c.version_origin = Eclm__V1__VersionOrigin(rawValue: UInt32(bitPattern: value.rawValue))
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListVersionsRequest`.
    public struct ListVersionsRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `module`, number 2.
        public var module: String = ""
        /// Field `page`, number 3.
        public var page: Page?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListVersionsRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListVersionsRequest" }

    package static func emptyStruct() -> Eclm__V1__ListVersionsRequest {
        var empty = Eclm__V1__ListVersionsRequest()
        eclm__v1__list_versions_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListVersionsRequest) {
        self.init()
        model = readString(c.model)
        module = readString(c.module)
        page = readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ListVersionsRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.module = arena.string(module, "module")
        if let value = page {
            c.page = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListVersionsResponse`.
    public struct ListVersionsResponse: WireMessage, Hashable {
        /// Field `versions`, number 1.
        public var versions: [ModuleVersion] = []
        /// Field `next_page_token`, number 2.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListVersionsResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListVersionsResponse" }

    package static func emptyStruct() -> Eclm__V1__ListVersionsResponse {
        var empty = Eclm__V1__ListVersionsResponse()
        eclm__v1__list_versions_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListVersionsResponse) {
        self.init()
        versions = readMessages(c.versions, c.n_versions)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ListVersionsResponse, in arena: Arena) {
        c.n_versions = versions.count
        c.versions = arena.messages(versions)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
    }
}

extension Wire {
    /// The message `eclm.v1.GetVersionRequest`.
    public struct GetVersionRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `module`, number 2.
        public var module: String = ""
        /// Field `version`, number 3.
        public var version: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetVersionRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetVersionRequest" }

    package static func emptyStruct() -> Eclm__V1__GetVersionRequest {
        var empty = Eclm__V1__GetVersionRequest()
        eclm__v1__get_version_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetVersionRequest) {
        self.init()
        model = readString(c.model)
        module = readString(c.module)
        version = c.version
    }

    package func fill(_ c: inout Eclm__V1__GetVersionRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.module = arena.string(module, "module")
        c.has_version = 1
        c.version = version
    }
}

extension Wire {
    /// The message `eclm.v1.GetVersionResponse`.
    public struct GetVersionResponse: WireMessage, Hashable {
        /// Field `module_version_id`, number 1.
        public var moduleVersionId: Int64 = 0
        /// Field `model`, number 2.
        public var model: String = ""
        /// Field `module`, number 3.
        public var module: String = ""
        /// Field `slot`, number 4.
        public var slot: ModuleSlot?
        /// Field `version`, number 5.
        public var version: Int32 = 0
        /// Field `digest`, number 6.
        public var digest: [UInt8] = []
        /// Field `dtype`, number 7.
        public var dtype: String = ""
        /// Field `tensors`, number 8.
        public var tensors: [Tensor] = []
        /// Field `costs`, number 9.
        public var costs: ModuleCosts?
        /// Field `requirements`, number 10.
        public var requirements: Requirements?
        /// publish, round or rollback: as version_origin, for clients that do not know it.
        public var origin: String = ""
        /// Field `round`, number 12.
        public var round: Int32?
        /// Field `created_at_us`, number 13.
        public var createdAtUs: Int64 = 0
        /// Field `created_by`, number 14.
        public var createdBy: String = ""
        /// Field `withdrawn`, number 15.
        public var withdrawn: Bool = false
        /// Counts; absent from old servers, which write origin alone.
        public var versionOrigin: VersionOrigin?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetVersionResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetVersionResponse" }

    package static func emptyStruct() -> Eclm__V1__GetVersionResponse {
        var empty = Eclm__V1__GetVersionResponse()
        eclm__v1__get_version_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetVersionResponse) {
        self.init()
        moduleVersionId = c.module_version_id
        model = readString(c.model)
        module = readString(c.module)
        slot = readMessage(c.slot)
        version = c.version
        digest = readBytes(c.digest)
        dtype = readString(c.dtype)
        tensors = readMessages(c.tensors, c.n_tensors)
        costs = readMessage(c.costs)
        requirements = readMessage(c.requirements)
        origin = readString(c.origin)
        if c.has_round != 0 { round = c.round }
        createdAtUs = c.created_at_us
        createdBy = readString(c.created_by)
        withdrawn = c.withdrawn != 0
        if c.has_version_origin != 0 { versionOrigin = Wire.VersionOrigin(rawValue: Int32(bitPattern: c.version_origin.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__GetVersionResponse, in arena: Arena) {
        c.has_module_version_id = 1
        c.module_version_id = moduleVersionId
        c.model = arena.string(model, "model")
        c.module = arena.string(module, "module")
        if let value = slot {
            c.slot = arena.message(value)
        }
        c.has_version = 1
        c.version = version
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.dtype = arena.string(dtype, "dtype")
        c.n_tensors = tensors.count
        c.tensors = arena.messages(tensors)
        if let value = costs {
            c.costs = arena.message(value)
        }
        if let value = requirements {
            c.requirements = arena.message(value)
        }
        c.origin = arena.string(origin, "origin")
        if let value = round {
            c.has_round = 1
            c.round = value
        }
        c.has_created_at_us = 1
        c.created_at_us = createdAtUs
        c.created_by = arena.string(createdBy, "created_by")
        c.has_withdrawn = 1
        c.withdrawn = withdrawn ? 1 : 0
        if let value = versionOrigin {
            c.has_version_origin = 1
            c.version_origin = Eclm__V1__VersionOrigin(rawValue: UInt32(bitPattern: value.rawValue))
        }
    }
}

extension Wire.GetVersionResponse {
    /// The message with the fields of a ``Wire/ModuleVersion``.
    public init(_ moduleVersion: Wire.ModuleVersion) {
        self.init()
        moduleVersionId = moduleVersion.moduleVersionId
        model = moduleVersion.model
        module = moduleVersion.module
        slot = moduleVersion.slot
        version = moduleVersion.version
        digest = moduleVersion.digest
        dtype = moduleVersion.dtype
        tensors = moduleVersion.tensors
        costs = moduleVersion.costs
        requirements = moduleVersion.requirements
        origin = moduleVersion.origin
        round = moduleVersion.round
        createdAtUs = moduleVersion.createdAtUs
        createdBy = moduleVersion.createdBy
        withdrawn = moduleVersion.withdrawn
        versionOrigin = moduleVersion.versionOrigin
    }

    /// Its fields as a ``Wire/ModuleVersion``.
    public var moduleVersion: Wire.ModuleVersion {
        var moduleVersion = Wire.ModuleVersion()
        moduleVersion.moduleVersionId = moduleVersionId
        moduleVersion.model = model
        moduleVersion.module = module
        moduleVersion.slot = slot
        moduleVersion.version = version
        moduleVersion.digest = digest
        moduleVersion.dtype = dtype
        moduleVersion.tensors = tensors
        moduleVersion.costs = costs
        moduleVersion.requirements = requirements
        moduleVersion.origin = origin
        moduleVersion.round = round
        moduleVersion.createdAtUs = createdAtUs
        moduleVersion.createdBy = createdBy
        moduleVersion.withdrawn = withdrawn
        moduleVersion.versionOrigin = versionOrigin
        return moduleVersion
    }
}

extension Wire {
    /// The message `eclm.v1.GetLineageRequest`.
    public struct GetLineageRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `module`, number 2.
        public var module: String = ""
        /// Field `version`, number 3.
        public var version: Int32 = 0
        /// false: what the version came from; true: what came from it.
        public var descendants: Bool = false
        /// How many edges at most, 0 for 1000.
        public var limit: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetLineageRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetLineageRequest" }

    package static func emptyStruct() -> Eclm__V1__GetLineageRequest {
        var empty = Eclm__V1__GetLineageRequest()
        eclm__v1__get_lineage_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetLineageRequest) {
        self.init()
        model = readString(c.model)
        module = readString(c.module)
        version = c.version
        descendants = c.descendants != 0
        limit = c.limit
    }

    package func fill(_ c: inout Eclm__V1__GetLineageRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.module = arena.string(module, "module")
        c.has_version = 1
        c.version = version
        c.has_descendants = 1
        c.descendants = descendants ? 1 : 0
        c.has_limit = 1
        c.limit = limit
    }
}

extension Wire {
    /// A node is a version (of the module asked for) or an update.
    public struct LineageEdge: WireMessage, Hashable {
        /// Field `version`, number 1.
        public var version: Int32 = 0
        /// Field `parent_version`, number 2.
        public var parentVersion: Int32?
        /// Field `update_id`, number 3.
        public var updateId: Int64?
        /// Field `device_id`, number 4.
        public var deviceId: String = ""
        /// Field `weight`, number 5.
        public var weight: Double = 0
        /// Field `round`, number 6.
        public var round: Int32?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.LineageEdge: CBackedMessage {
    package static var wireName: String { "eclm.v1.LineageEdge" }

    package static func emptyStruct() -> Eclm__V1__LineageEdge {
        var empty = Eclm__V1__LineageEdge()
        eclm__v1__lineage_edge__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__LineageEdge) {
        self.init()
        version = c.version
        if c.has_parent_version != 0 { parentVersion = c.parent_version }
        if c.has_update_id != 0 { updateId = c.update_id }
        deviceId = readString(c.device_id)
        weight = c.weight
        if c.has_round != 0 { round = c.round }
    }

    package func fill(_ c: inout Eclm__V1__LineageEdge, in arena: Arena) {
        c.has_version = 1
        c.version = version
        if let value = parentVersion {
            c.has_parent_version = 1
            c.parent_version = value
        }
        if let value = updateId {
            c.has_update_id = 1
            c.update_id = value
        }
        c.device_id = arena.string(deviceId, "device_id")
        c.has_weight = 1
        c.weight = weight
        if let value = round {
            c.has_round = 1
            c.round = value
        }
    }
}

extension Wire {
    /// The message `eclm.v1.GetLineageResponse`.
    public struct GetLineageResponse: WireMessage, Hashable {
        /// Field `edges`, number 1.
        public var edges: [LineageEdge] = []
        /// Field `truncated`, number 2.
        public var truncated: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetLineageResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetLineageResponse" }

    package static func emptyStruct() -> Eclm__V1__GetLineageResponse {
        var empty = Eclm__V1__GetLineageResponse()
        eclm__v1__get_lineage_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetLineageResponse) {
        self.init()
        edges = readMessages(c.edges, c.n_edges)
        truncated = c.truncated != 0
    }

    package func fill(_ c: inout Eclm__V1__GetLineageResponse, in arena: Arena) {
        c.n_edges = edges.count
        c.edges = arena.messages(edges)
        c.has_truncated = 1
        c.truncated = truncated ? 1 : 0
    }
}

/// The methods of `eclm.v1.ModelService`.
public enum ModelServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.ModelService"
    /// `ModelService.ListModels`
    public static let listModels = RemoteMethod<Wire.ListModelsRequest, Wire.ListModelsResponse>(
        service: name, name: "ListModels", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `ModelService.GetModel`
    public static let getModel = RemoteMethod<Wire.GetModelRequest, Wire.GetModelResponse>(
        service: name, name: "GetModel", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `ModelService.ListModules`
    public static let listModules = RemoteMethod<Wire.ListModulesRequest, Wire.ListModulesResponse>(
        service: name, name: "ListModules", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
}

/// The methods of `eclm.v1.VersionService`.
public enum VersionServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.VersionService"
    /// `VersionService.ListVersions`
    public static let listVersions = RemoteMethod<Wire.ListVersionsRequest, Wire.ListVersionsResponse>(
        service: name, name: "ListVersions", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `VersionService.GetVersion`
    public static let getVersion = RemoteMethod<Wire.GetVersionRequest, Wire.GetVersionResponse>(
        service: name, name: "GetVersion", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `VersionService.GetLineage`
    public static let getLineage = RemoteMethod<Wire.GetLineageRequest, Wire.GetLineageResponse>(
        service: name, name: "GetLineage", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
}
