// swift-format-ignore-file
// Generated from proto/devices.proto by `make proto`; do not edit.

import CProtocol

extension Wire {
    /// The message `eclm.v1.DeviceClass`.
    public struct DeviceClass: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `traits`, number 2.
        public var traits: DeviceTraits?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.DeviceClass: CBackedMessage {
    package static var wireName: String { "eclm.v1.DeviceClass" }

    package static func emptyStruct() -> Eclm__V1__DeviceClass {
        var empty = Eclm__V1__DeviceClass()
        eclm__v1__device_class__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__DeviceClass) throws(WireError) {
        self.init()
        name = try readString(c.name, "name")
        traits = try readMessage(c.traits)
    }

    package func fill(_ c: inout Eclm__V1__DeviceClass, in arena: Arena) {
        c.name = arena.string(name)
        if let value = traits {
            c.traits = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListDeviceClassesResponse`.
    public struct ListDeviceClassesResponse: WireMessage, Hashable {
        /// Field `classes`, number 1.
        public var classes: [DeviceClass] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListDeviceClassesResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListDeviceClassesResponse" }

    package static func emptyStruct() -> Eclm__V1__ListDeviceClassesResponse {
        var empty = Eclm__V1__ListDeviceClassesResponse()
        eclm__v1__list_device_classes_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListDeviceClassesResponse) throws(WireError) {
        self.init()
        classes = try readMessages(c.classes, c.n_classes)
    }

    package func fill(_ c: inout Eclm__V1__ListDeviceClassesResponse, in arena: Arena) {
        c.n_classes = classes.count
        c.classes = arena.messages(classes)
    }
}

extension Wire {
    /// The message `eclm.v1.Attribute`.
    public struct Attribute: WireMessage, Hashable {
        /// Field `key`, number 1.
        public var key: String = ""
        /// Field `value`, number 2.
        public var value: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Attribute: CBackedMessage {
    package static var wireName: String { "eclm.v1.Attribute" }

    package static func emptyStruct() -> Eclm__V1__Attribute {
        var empty = Eclm__V1__Attribute()
        eclm__v1__attribute__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Attribute) throws(WireError) {
        self.init()
        key = try readString(c.key, "key")
        value = try readString(c.value, "value")
    }

    package func fill(_ c: inout Eclm__V1__Attribute, in arena: Arena) {
        c.key = arena.string(key)
        c.value = arena.string(value)
    }
}

extension Wire {
    /// The same registration twice is one registration: a device that missed the answer asks again. Another token for a name
    /// that is taken is refused.
    public struct RegisterRequest: WireMessage, Hashable {
        /// Field `device_id`, number 1.
        public var deviceId: String = ""
        /// Field `device_class`, number 2.
        public var deviceClass: String = ""
        /// Field `attributes`, number 3.
        public var attributes: [Attribute] = []
        /// 32 random bytes that the device chose and keeps: they prove that later calls come from it. The registry keeps
        /// their SHA-256.
        public var token: [UInt8] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.RegisterRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.RegisterRequest" }

    package static func emptyStruct() -> Eclm__V1__RegisterRequest {
        var empty = Eclm__V1__RegisterRequest()
        eclm__v1__register_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RegisterRequest) throws(WireError) {
        self.init()
        deviceId = try readString(c.device_id, "device_id")
        deviceClass = try readString(c.device_class, "device_class")
        attributes = try readMessages(c.attributes, c.n_attributes)
        token = readBytes(c.token)
    }

    package func fill(_ c: inout Eclm__V1__RegisterRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId)
        c.device_class = arena.string(deviceClass)
        c.n_attributes = attributes.count
        c.attributes = arena.messages(attributes)
        c.has_token = 1
        c.token = arena.bytes(token)
    }
}

extension Wire {
    /// The message `eclm.v1.RegisterResponse`.
    public struct RegisterResponse: WireMessage, Hashable {
        /// Field `device`, number 1.
        public var device: Device?
        /// False when the device was registered before.
        public var created: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.RegisterResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.RegisterResponse" }

    package static func emptyStruct() -> Eclm__V1__RegisterResponse {
        var empty = Eclm__V1__RegisterResponse()
        eclm__v1__register_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RegisterResponse) throws(WireError) {
        self.init()
        device = try readMessage(c.device)
        created = c.created != 0
    }

    package func fill(_ c: inout Eclm__V1__RegisterResponse, in arena: Arena) {
        if let value = device {
            c.device = arena.message(value)
        }
        c.has_created = 1
        c.created = created ? 1 : 0
    }
}

extension Wire {
    /// The message `eclm.v1.GetDeviceRequest`.
    public struct GetDeviceRequest: WireMessage, Hashable {
        /// Field `device_id`, number 1.
        public var deviceId: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetDeviceRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetDeviceRequest" }

    package static func emptyStruct() -> Eclm__V1__GetDeviceRequest {
        var empty = Eclm__V1__GetDeviceRequest()
        eclm__v1__get_device_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetDeviceRequest) throws(WireError) {
        self.init()
        deviceId = try readString(c.device_id, "device_id")
    }

    package func fill(_ c: inout Eclm__V1__GetDeviceRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId)
    }
}

extension Wire {
    /// The message `eclm.v1.Device`.
    public struct Device: WireMessage, Hashable {
        /// Field `device_id`, number 1.
        public var deviceId: String = ""
        /// Field `device_class`, number 2.
        public var deviceClass: String = ""
        /// Field `attributes`, number 3.
        public var attributes: [Attribute] = []
        /// Field `registered_at_us`, number 4.
        public var registeredAtUs: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Device: CBackedMessage {
    package static var wireName: String { "eclm.v1.Device" }

    package static func emptyStruct() -> Eclm__V1__Device {
        var empty = Eclm__V1__Device()
        eclm__v1__device__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Device) throws(WireError) {
        self.init()
        deviceId = try readString(c.device_id, "device_id")
        deviceClass = try readString(c.device_class, "device_class")
        attributes = try readMessages(c.attributes, c.n_attributes)
        registeredAtUs = c.registered_at_us
    }

    package func fill(_ c: inout Eclm__V1__Device, in arena: Arena) {
        c.device_id = arena.string(deviceId)
        c.device_class = arena.string(deviceClass)
        c.n_attributes = attributes.count
        c.attributes = arena.messages(attributes)
        c.has_registered_at_us = 1
        c.registered_at_us = registeredAtUs
    }
}

extension Wire {
    /// The message `eclm.v1.ListDevicesRequest`.
    public struct ListDevicesRequest: WireMessage, Hashable {
        /// Field `id_contains`, number 1.
        public var idContains: String = ""
        /// Field `device_class`, number 2.
        public var deviceClass: String?
        /// Field `page`, number 3.
        public var page: Page?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListDevicesRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListDevicesRequest" }

    package static func emptyStruct() -> Eclm__V1__ListDevicesRequest {
        var empty = Eclm__V1__ListDevicesRequest()
        eclm__v1__list_devices_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListDevicesRequest) throws(WireError) {
        self.init()
        idContains = try readString(c.id_contains, "id_contains")
        if c.device_class != nil { deviceClass = try readString(c.device_class, "device_class") }
        page = try readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ListDevicesRequest, in arena: Arena) {
        c.id_contains = arena.string(idContains)
        if let value = deviceClass {
            c.device_class = arena.string(value)
        }
        if let value = page {
            c.page = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListDevicesResponse`.
    public struct ListDevicesResponse: WireMessage, Hashable {
        /// Field `devices`, number 1.
        public var devices: [Device] = []
        /// Field `next_page_token`, number 2.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListDevicesResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListDevicesResponse" }

    package static func emptyStruct() -> Eclm__V1__ListDevicesResponse {
        var empty = Eclm__V1__ListDevicesResponse()
        eclm__v1__list_devices_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListDevicesResponse) throws(WireError) {
        self.init()
        devices = try readMessages(c.devices, c.n_devices)
        nextPageToken = try readString(c.next_page_token, "next_page_token")
    }

    package func fill(_ c: inout Eclm__V1__ListDevicesResponse, in arena: Arena) {
        c.n_devices = devices.count
        c.devices = arena.messages(devices)
        c.next_page_token = arena.string(nextPageToken)
    }
}

extension Wire {
    /// The message `eclm.v1.Metric`.
    public struct Metric: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `value`, number 2.
        public var value: Double = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Metric: CBackedMessage {
    package static var wireName: String { "eclm.v1.Metric" }

    package static func emptyStruct() -> Eclm__V1__Metric {
        var empty = Eclm__V1__Metric()
        eclm__v1__metric__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Metric) throws(WireError) {
        self.init()
        name = try readString(c.name, "name")
        value = c.value
    }

    package func fill(_ c: inout Eclm__V1__Metric, in arena: Arena) {
        c.name = arena.string(name)
        c.has_value = 1
        c.value = value
    }
}

extension Wire {
    /// The message `eclm.v1.TrainedModule`.
    public struct TrainedModule: WireMessage, Hashable {
        /// Field `module`, number 1.
        public var module: String = ""
        /// The version it was trained from: the base release's.
        public var baseVersion: Int32 = 0
        /// Field `digest`, number 3.
        public var digest: [UInt8] = []
        /// How the weights are written: full, delta, int8_delta or sparse_delta; docs/protocol.md has the files.
        public var encoding: String = "full"
        /// Field `importance`, number 5.
        public var importance: Double = 0
        /// 0: the update's.
        public var sampleCount: Int64 = 0
        /// A region's partial aggregate: the digest of the blob that names its inputs. Empty: a device's own update.
        public var lineage: [UInt8] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.TrainedModule: CBackedMessage {
    package static var wireName: String { "eclm.v1.TrainedModule" }

    package static func emptyStruct() -> Eclm__V1__TrainedModule {
        var empty = Eclm__V1__TrainedModule()
        eclm__v1__trained_module__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__TrainedModule) throws(WireError) {
        self.init()
        module = try readString(c.module, "module")
        baseVersion = c.base_version
        digest = readBytes(c.digest)
        encoding = try readString(c.encoding, "encoding")
        importance = c.importance
        sampleCount = c.sample_count
        lineage = readBytes(c.lineage)
    }

    package func fill(_ c: inout Eclm__V1__TrainedModule, in arena: Arena) {
        c.module = arena.string(module)
        c.has_base_version = 1
        c.base_version = baseVersion
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.encoding = arena.string(encoding)
        c.has_importance = 1
        c.importance = importance
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.has_lineage = 1
        c.lineage = arena.bytes(lineage)
    }
}

extension Wire {
    /// The message `eclm.v1.SubmitRequest`.
    public struct SubmitRequest: WireMessage, Hashable {
        /// Field `device_id`, number 1.
        public var deviceId: String = ""
        /// Field `model`, number 2.
        public var model: String = ""
        /// Field `base_release`, number 3.
        public var baseRelease: Int32 = 0
        /// Chosen by the device: the same key with the same content is the same update.
        public var idempotencyKey: String = ""
        /// Field `sample_count`, number 5.
        public var sampleCount: Int64 = 0
        /// Field `metrics`, number 6.
        public var metrics: [Metric] = []
        /// Field `modules`, number 7.
        public var modules: [TrainedModule] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.SubmitRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.SubmitRequest" }

    package static func emptyStruct() -> Eclm__V1__SubmitRequest {
        var empty = Eclm__V1__SubmitRequest()
        eclm__v1__submit_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__SubmitRequest) throws(WireError) {
        self.init()
        deviceId = try readString(c.device_id, "device_id")
        model = try readString(c.model, "model")
        baseRelease = c.base_release
        idempotencyKey = try readString(c.idempotency_key, "idempotency_key")
        sampleCount = c.sample_count
        metrics = try readMessages(c.metrics, c.n_metrics)
        modules = try readMessages(c.modules, c.n_modules)
    }

    package func fill(_ c: inout Eclm__V1__SubmitRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId)
        c.model = arena.string(model)
        c.has_base_release = 1
        c.base_release = baseRelease
        c.idempotency_key = arena.string(idempotencyKey)
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.n_metrics = metrics.count
        c.metrics = arena.messages(metrics)
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
    }
}

extension Wire {
    /// The message `eclm.v1.SubmitResponse`.
    public struct SubmitResponse: WireMessage, Hashable {
        /// Field `update_id`, number 1.
        public var updateId: Int64 = 0
        /// True when this key was submitted before with the same content.
        public var replayed: Bool = false
        /// Field `status`, number 3.
        public var status: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.SubmitResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.SubmitResponse" }

    package static func emptyStruct() -> Eclm__V1__SubmitResponse {
        var empty = Eclm__V1__SubmitResponse()
        eclm__v1__submit_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__SubmitResponse) throws(WireError) {
        self.init()
        updateId = c.update_id
        replayed = c.replayed != 0
        status = try readString(c.status, "status")
    }

    package func fill(_ c: inout Eclm__V1__SubmitResponse, in arena: Arena) {
        c.has_update_id = 1
        c.update_id = updateId
        c.has_replayed = 1
        c.replayed = replayed ? 1 : 0
        c.status = arena.string(status)
    }
}

extension Wire {
    /// The message `eclm.v1.GetUpdateRequest`.
    public struct GetUpdateRequest: WireMessage, Hashable {
        /// Field `update_id`, number 1.
        public var updateId: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetUpdateRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetUpdateRequest" }

    package static func emptyStruct() -> Eclm__V1__GetUpdateRequest {
        var empty = Eclm__V1__GetUpdateRequest()
        eclm__v1__get_update_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetUpdateRequest) throws(WireError) {
        self.init()
        updateId = c.update_id
    }

    package func fill(_ c: inout Eclm__V1__GetUpdateRequest, in arena: Arena) {
        c.has_update_id = 1
        c.update_id = updateId
    }
}

extension Wire {
    /// The message `eclm.v1.Update`.
    public struct Update: WireMessage, Hashable {
        /// Field `update_id`, number 1.
        public var updateId: Int64 = 0
        /// Field `device_id`, number 2.
        public var deviceId: String = ""
        /// Field `model`, number 3.
        public var model: String = ""
        /// Field `base_release`, number 4.
        public var baseRelease: Int32 = 0
        /// Field `idempotency_key`, number 5.
        public var idempotencyKey: String = ""
        /// Field `sample_count`, number 6.
        public var sampleCount: Int64 = 0
        /// pending, aggregated or quarantined
        public var status: String = ""
        /// Field `quarantine_reason`, number 8.
        public var quarantineReason: String = ""
        /// Field `round`, number 9.
        public var round: Int32?
        /// Field `release`, number 10.
        public var release: Int32?
        /// Field `submitted_at_us`, number 11.
        public var submittedAtUs: Int64 = 0
        /// Field `decided_at_us`, number 12.
        public var decidedAtUs: Int64?
        /// Field `modules`, number 13.
        public var modules: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Update: CBackedMessage {
    package static var wireName: String { "eclm.v1.Update" }

    package static func emptyStruct() -> Eclm__V1__Update {
        var empty = Eclm__V1__Update()
        eclm__v1__update__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Update) throws(WireError) {
        self.init()
        updateId = c.update_id
        deviceId = try readString(c.device_id, "device_id")
        model = try readString(c.model, "model")
        baseRelease = c.base_release
        idempotencyKey = try readString(c.idempotency_key, "idempotency_key")
        sampleCount = c.sample_count
        status = try readString(c.status, "status")
        quarantineReason = try readString(c.quarantine_reason, "quarantine_reason")
        if c.has_round != 0 { round = c.round }
        if c.has_release != 0 { release = c.release }
        submittedAtUs = c.submitted_at_us
        if c.has_decided_at_us != 0 { decidedAtUs = c.decided_at_us }
        modules = c.modules
    }

    package func fill(_ c: inout Eclm__V1__Update, in arena: Arena) {
        c.has_update_id = 1
        c.update_id = updateId
        c.device_id = arena.string(deviceId)
        c.model = arena.string(model)
        c.has_base_release = 1
        c.base_release = baseRelease
        c.idempotency_key = arena.string(idempotencyKey)
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.status = arena.string(status)
        c.quarantine_reason = arena.string(quarantineReason)
        if let value = round {
            c.has_round = 1
            c.round = value
        }
        if let value = release {
            c.has_release = 1
            c.release = value
        }
        c.has_submitted_at_us = 1
        c.submitted_at_us = submittedAtUs
        if let value = decidedAtUs {
            c.has_decided_at_us = 1
            c.decided_at_us = value
        }
        c.has_modules = 1
        c.modules = modules
    }
}

extension Wire {
    /// The message `eclm.v1.ListUpdatesRequest`.
    public struct ListUpdatesRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String?
        /// Field `device_id`, number 2.
        public var deviceId: String?
        /// Field `status`, number 3.
        public var status: String?
        /// Field `page`, number 4.
        public var page: Page?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListUpdatesRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListUpdatesRequest" }

    package static func emptyStruct() -> Eclm__V1__ListUpdatesRequest {
        var empty = Eclm__V1__ListUpdatesRequest()
        eclm__v1__list_updates_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListUpdatesRequest) throws(WireError) {
        self.init()
        if c.model != nil { model = try readString(c.model, "model") }
        if c.device_id != nil { deviceId = try readString(c.device_id, "device_id") }
        if c.status != nil { status = try readString(c.status, "status") }
        page = try readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ListUpdatesRequest, in arena: Arena) {
        if let value = model {
            c.model = arena.string(value)
        }
        if let value = deviceId {
            c.device_id = arena.string(value)
        }
        if let value = status {
            c.status = arena.string(value)
        }
        if let value = page {
            c.page = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListUpdatesResponse`.
    public struct ListUpdatesResponse: WireMessage, Hashable {
        /// Field `updates`, number 1.
        public var updates: [Update] = []
        /// Field `next_page_token`, number 2.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListUpdatesResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListUpdatesResponse" }

    package static func emptyStruct() -> Eclm__V1__ListUpdatesResponse {
        var empty = Eclm__V1__ListUpdatesResponse()
        eclm__v1__list_updates_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListUpdatesResponse) throws(WireError) {
        self.init()
        updates = try readMessages(c.updates, c.n_updates)
        nextPageToken = try readString(c.next_page_token, "next_page_token")
    }

    package func fill(_ c: inout Eclm__V1__ListUpdatesResponse, in arena: Arena) {
        c.n_updates = updates.count
        c.updates = arena.messages(updates)
        c.next_page_token = arena.string(nextPageToken)
    }
}

extension Wire {
    /// What a device measured of the release that it runs, without an update. The first report of a device counts in a canary.
    public struct ReportMetricsRequest: WireMessage, Hashable {
        /// Field `device_id`, number 1.
        public var deviceId: String = ""
        /// Field `model`, number 2.
        public var model: String = ""
        /// Field `release`, number 3.
        public var release: Int32 = 0
        /// Field `metrics`, number 4.
        public var metrics: [Metric] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ReportMetricsRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ReportMetricsRequest" }

    package static func emptyStruct() -> Eclm__V1__ReportMetricsRequest {
        var empty = Eclm__V1__ReportMetricsRequest()
        eclm__v1__report_metrics_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ReportMetricsRequest) throws(WireError) {
        self.init()
        deviceId = try readString(c.device_id, "device_id")
        model = try readString(c.model, "model")
        release = c.release
        metrics = try readMessages(c.metrics, c.n_metrics)
    }

    package func fill(_ c: inout Eclm__V1__ReportMetricsRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId)
        c.model = arena.string(model)
        c.has_release = 1
        c.release = release
        c.n_metrics = metrics.count
        c.metrics = arena.messages(metrics)
    }
}

extension Wire {
    /// The message `eclm.v1.ReportMetricsResponse`.
    public struct ReportMetricsResponse: WireMessage, Hashable {
        /// Running canaries that the device's report belongs to.
        public var canaries: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ReportMetricsResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ReportMetricsResponse" }

    package static func emptyStruct() -> Eclm__V1__ReportMetricsResponse {
        var empty = Eclm__V1__ReportMetricsResponse()
        eclm__v1__report_metrics_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ReportMetricsResponse) throws(WireError) {
        self.init()
        canaries = c.canaries
    }

    package func fill(_ c: inout Eclm__V1__ReportMetricsResponse, in arena: Arena) {
        c.has_canaries = 1
        c.canaries = canaries
    }
}

/// The methods of `eclm.v1.DeviceService`.
public enum DeviceServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.DeviceService"
    /// `DeviceService.RegisterDevice`
    public static let registerDevice = RemoteMethod<Wire.RegisterRequest, Wire.RegisterResponse>(service: name, name: "RegisterDevice")
    /// `DeviceService.GetDevice`
    public static let getDevice = RemoteMethod<Wire.GetDeviceRequest, Wire.Device>(service: name, name: "GetDevice")
    /// `DeviceService.ListDevices`
    public static let listDevices = RemoteMethod<Wire.ListDevicesRequest, Wire.ListDevicesResponse>(service: name, name: "ListDevices")
    /// `DeviceService.ListDeviceClasses`
    public static let listDeviceClasses = RemoteMethod<Wire.Empty, Wire.ListDeviceClassesResponse>(service: name, name: "ListDeviceClasses")
    /// `DeviceService.DefineDeviceClass`
    public static let defineDeviceClass = RemoteMethod<Wire.DeviceClass, Wire.DeviceClass>(service: name, name: "DefineDeviceClass")
    /// `DeviceService.ReportMetrics`
    public static let reportMetrics = RemoteMethod<Wire.ReportMetricsRequest, Wire.ReportMetricsResponse>(service: name, name: "ReportMetrics")
}

/// The methods of `eclm.v1.UpdateService`.
public enum UpdateServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.UpdateService"
    /// `UpdateService.Submit`
    public static let submit = RemoteMethod<Wire.SubmitRequest, Wire.SubmitResponse>(service: name, name: "Submit")
    /// `UpdateService.GetUpdate`
    public static let getUpdate = RemoteMethod<Wire.GetUpdateRequest, Wire.Update>(service: name, name: "GetUpdate")
    /// `UpdateService.ListUpdates`
    public static let listUpdates = RemoteMethod<Wire.ListUpdatesRequest, Wire.ListUpdatesResponse>(service: name, name: "ListUpdates")
}
