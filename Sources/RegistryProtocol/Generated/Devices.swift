// swift-format-ignore-file
// Generated from proto/devices.proto by `make proto`; do not edit.

package import CProtocol

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

    package init(reading c: Eclm__V1__DeviceClass) {
        self.init()
        name = readString(c.name)
        traits = readMessage(c.traits)
    }

    package func fill(_ c: inout Eclm__V1__DeviceClass, in arena: Arena) {
        c.name = arena.string(name, "name")
        if let value = traits {
            c.traits = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ListDeviceClassesRequest`.
    public struct ListDeviceClassesRequest: WireMessage, Hashable {

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListDeviceClassesRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListDeviceClassesRequest" }

    package static func emptyStruct() -> Eclm__V1__ListDeviceClassesRequest {
        var empty = Eclm__V1__ListDeviceClassesRequest()
        eclm__v1__list_device_classes_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListDeviceClassesRequest) {
        self.init()
    }

    package func fill(_ c: inout Eclm__V1__ListDeviceClassesRequest, in arena: Arena) {
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

    package init(reading c: Eclm__V1__ListDeviceClassesResponse) {
        self.init()
        classes = readMessages(c.classes, c.n_classes)
    }

    package func fill(_ c: inout Eclm__V1__ListDeviceClassesResponse, in arena: Arena) {
        c.n_classes = classes.count
        c.classes = arena.messages(classes)
    }
}

extension Wire {
    /// The message `eclm.v1.DefineDeviceClassRequest`.
    public struct DefineDeviceClassRequest: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `traits`, number 2.
        public var traits: DeviceTraits?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.DefineDeviceClassRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.DefineDeviceClassRequest" }

    package static func emptyStruct() -> Eclm__V1__DefineDeviceClassRequest {
        var empty = Eclm__V1__DefineDeviceClassRequest()
        eclm__v1__define_device_class_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__DefineDeviceClassRequest) {
        self.init()
        name = readString(c.name)
        traits = readMessage(c.traits)
    }

    package func fill(_ c: inout Eclm__V1__DefineDeviceClassRequest, in arena: Arena) {
        c.name = arena.string(name, "name")
        if let value = traits {
            c.traits = arena.message(value)
        }
    }
}

extension Wire.DefineDeviceClassRequest {
    /// The message with the fields of a ``Wire/DeviceClass``.
    public init(_ deviceClass: Wire.DeviceClass) {
        self.init()
        name = deviceClass.name
        traits = deviceClass.traits
    }

    /// Its fields as a ``Wire/DeviceClass``.
    public var deviceClass: Wire.DeviceClass {
        var deviceClass = Wire.DeviceClass()
        deviceClass.name = name
        deviceClass.traits = traits
        return deviceClass
    }
}

extension Wire {
    /// The message `eclm.v1.DefineDeviceClassResponse`.
    public struct DefineDeviceClassResponse: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// Field `traits`, number 2.
        public var traits: DeviceTraits?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.DefineDeviceClassResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.DefineDeviceClassResponse" }

    package static func emptyStruct() -> Eclm__V1__DefineDeviceClassResponse {
        var empty = Eclm__V1__DefineDeviceClassResponse()
        eclm__v1__define_device_class_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__DefineDeviceClassResponse) {
        self.init()
        name = readString(c.name)
        traits = readMessage(c.traits)
    }

    package func fill(_ c: inout Eclm__V1__DefineDeviceClassResponse, in arena: Arena) {
        c.name = arena.string(name, "name")
        if let value = traits {
            c.traits = arena.message(value)
        }
    }
}

extension Wire.DefineDeviceClassResponse {
    /// The message with the fields of a ``Wire/DeviceClass``.
    public init(_ deviceClass: Wire.DeviceClass) {
        self.init()
        name = deviceClass.name
        traits = deviceClass.traits
    }

    /// Its fields as a ``Wire/DeviceClass``.
    public var deviceClass: Wire.DeviceClass {
        var deviceClass = Wire.DeviceClass()
        deviceClass.name = name
        deviceClass.traits = traits
        return deviceClass
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

    package init(reading c: Eclm__V1__Attribute) {
        self.init()
        key = readString(c.key)
        value = readString(c.value)
    }

    package func fill(_ c: inout Eclm__V1__Attribute, in arena: Arena) {
        c.key = arena.string(key, "key")
        c.value = arena.string(value, "value")
    }
}

extension Wire {
    /// The same registration twice is one registration: a device that missed the answer asks again. Another token for a name
    /// that is taken is refused.
    public struct RegisterDeviceRequest: WireMessage, Hashable {
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

extension Wire.RegisterDeviceRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.RegisterDeviceRequest" }

    package static func emptyStruct() -> Eclm__V1__RegisterDeviceRequest {
        var empty = Eclm__V1__RegisterDeviceRequest()
        eclm__v1__register_device_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RegisterDeviceRequest) {
        self.init()
        deviceId = readString(c.device_id)
        deviceClass = readString(c.device_class)
        attributes = readMessages(c.attributes, c.n_attributes)
        token = readBytes(c.token)
    }

    package func fill(_ c: inout Eclm__V1__RegisterDeviceRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId, "device_id")
        c.device_class = arena.string(deviceClass, "device_class")
        c.n_attributes = attributes.count
        c.attributes = arena.messages(attributes)
        c.has_token = 1
        c.token = arena.bytes(token)
    }
}

extension Wire {
    /// The message `eclm.v1.RegisterDeviceResponse`.
    public struct RegisterDeviceResponse: WireMessage, Hashable {
        /// Field `device`, number 1.
        public var device: Device?
        /// False when the device was registered before.
        public var created: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.RegisterDeviceResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.RegisterDeviceResponse" }

    package static func emptyStruct() -> Eclm__V1__RegisterDeviceResponse {
        var empty = Eclm__V1__RegisterDeviceResponse()
        eclm__v1__register_device_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__RegisterDeviceResponse) {
        self.init()
        device = readMessage(c.device)
        created = c.created != 0
    }

    package func fill(_ c: inout Eclm__V1__RegisterDeviceResponse, in arena: Arena) {
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

    package init(reading c: Eclm__V1__GetDeviceRequest) {
        self.init()
        deviceId = readString(c.device_id)
    }

    package func fill(_ c: inout Eclm__V1__GetDeviceRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId, "device_id")
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

    package init(reading c: Eclm__V1__Device) {
        self.init()
        deviceId = readString(c.device_id)
        deviceClass = readString(c.device_class)
        attributes = readMessages(c.attributes, c.n_attributes)
        registeredAtUs = c.registered_at_us
    }

    package func fill(_ c: inout Eclm__V1__Device, in arena: Arena) {
        c.device_id = arena.string(deviceId, "device_id")
        c.device_class = arena.string(deviceClass, "device_class")
        c.n_attributes = attributes.count
        c.attributes = arena.messages(attributes)
        c.has_registered_at_us = 1
        c.registered_at_us = registeredAtUs
    }
}

extension Wire {
    /// The message `eclm.v1.GetDeviceResponse`.
    public struct GetDeviceResponse: WireMessage, Hashable {
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

extension Wire.GetDeviceResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetDeviceResponse" }

    package static func emptyStruct() -> Eclm__V1__GetDeviceResponse {
        var empty = Eclm__V1__GetDeviceResponse()
        eclm__v1__get_device_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetDeviceResponse) {
        self.init()
        deviceId = readString(c.device_id)
        deviceClass = readString(c.device_class)
        attributes = readMessages(c.attributes, c.n_attributes)
        registeredAtUs = c.registered_at_us
    }

    package func fill(_ c: inout Eclm__V1__GetDeviceResponse, in arena: Arena) {
        c.device_id = arena.string(deviceId, "device_id")
        c.device_class = arena.string(deviceClass, "device_class")
        c.n_attributes = attributes.count
        c.attributes = arena.messages(attributes)
        c.has_registered_at_us = 1
        c.registered_at_us = registeredAtUs
    }
}

extension Wire.GetDeviceResponse {
    /// The message with the fields of a ``Wire/Device``.
    public init(_ device: Wire.Device) {
        self.init()
        deviceId = device.deviceId
        deviceClass = device.deviceClass
        attributes = device.attributes
        registeredAtUs = device.registeredAtUs
    }

    /// Its fields as a ``Wire/Device``.
    public var device: Wire.Device {
        var device = Wire.Device()
        device.deviceId = deviceId
        device.deviceClass = deviceClass
        device.attributes = attributes
        device.registeredAtUs = registeredAtUs
        return device
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

    package init(reading c: Eclm__V1__ListDevicesRequest) {
        self.init()
        idContains = readString(c.id_contains)
        if c.device_class != nil { deviceClass = readString(c.device_class) }
        page = readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ListDevicesRequest, in arena: Arena) {
        c.id_contains = arena.string(idContains, "id_contains")
        if let value = deviceClass {
            c.device_class = arena.string(value, "device_class")
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

    package init(reading c: Eclm__V1__ListDevicesResponse) {
        self.init()
        devices = readMessages(c.devices, c.n_devices)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ListDevicesResponse, in arena: Arena) {
        c.n_devices = devices.count
        c.devices = arena.messages(devices)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
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

    package init(reading c: Eclm__V1__ReportMetricsRequest) {
        self.init()
        deviceId = readString(c.device_id)
        model = readString(c.model)
        release = c.release
        metrics = readMessages(c.metrics, c.n_metrics)
    }

    package func fill(_ c: inout Eclm__V1__ReportMetricsRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId, "device_id")
        c.model = arena.string(model, "model")
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

    package init(reading c: Eclm__V1__ReportMetricsResponse) {
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
    /// The token is the key. A new device cannot prove itself yet, so that everybody may register.
    public static let registerDevice = RemoteMethod<Wire.RegisterDeviceRequest, Wire.RegisterDeviceResponse>(
        service: name, name: "RegisterDevice", repeatability: .idempotentWithKey, roles: [.reader], deadline: .milliseconds(30000))
    /// `DeviceService.GetDevice`
    public static let getDevice = RemoteMethod<Wire.GetDeviceRequest, Wire.GetDeviceResponse>(
        service: name, name: "GetDevice", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `DeviceService.ListDevices`
    public static let listDevices = RemoteMethod<Wire.ListDevicesRequest, Wire.ListDevicesResponse>(
        service: name, name: "ListDevices", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `DeviceService.ListDeviceClasses`
    public static let listDeviceClasses = RemoteMethod<Wire.ListDeviceClassesRequest, Wire.ListDeviceClassesResponse>(
        service: name, name: "ListDeviceClasses", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `DeviceService.DefineDeviceClass`
    public static let defineDeviceClass = RemoteMethod<Wire.DefineDeviceClassRequest, Wire.DefineDeviceClassResponse>(
        service: name, name: "DefineDeviceClass", repeatability: .idempotent, roles: [.operator], deadline: .milliseconds(30000))
    /// The first report of a device counts.
    public static let reportMetrics = RemoteMethod<Wire.ReportMetricsRequest, Wire.ReportMetricsResponse>(
        service: name, name: "ReportMetrics", repeatability: .idempotent, roles: [.device], deadline: .milliseconds(30000))
}
