// swift-format-ignore-file
// Generated from proto/common.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// The values of ModuleKind; a peer may send others.
    public struct ModuleKind: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `MODULE_KIND_UNKNOWN`
        public static let unknown = ModuleKind(rawValue: 0)
        /// `MODULE_KIND_EXPERT`
        public static let expert = ModuleKind(rawValue: 1)
        /// `MODULE_KIND_BYPASS`
        public static let bypass = ModuleKind(rawValue: 2)
        /// `MODULE_KIND_STEM`
        public static let stem = ModuleKind(rawValue: 3)
        /// `MODULE_KIND_HEAD`
        public static let head = ModuleKind(rawValue: 4)
        /// `MODULE_KIND_SELECTOR`
        public static let selector = ModuleKind(rawValue: 5)
    }
}

extension Wire {
    /// A module's place in its model. Shared modules (stem, head, selector) lie in no layer.
    public struct ModuleSlot: WireMessage, Hashable {
        /// Field `kind`, number 1.
        public var kind: ModuleKind = .unknown
        /// Field `layer`, number 2.
        public var layer: Int32?
        /// Field `index`, number 3.
        public var index: Int32 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ModuleSlot: CBackedMessage {
    package static var wireName: String { "eclm.v1.ModuleSlot" }

    package static func emptyStruct() -> Eclm__V1__ModuleSlot {
        var empty = Eclm__V1__ModuleSlot()
        eclm__v1__module_slot__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ModuleSlot) {
        self.init()
        kind = Wire.ModuleKind(rawValue: Int32(bitPattern: c.kind.rawValue))
        if c.has_layer != 0 { layer = c.layer }
        index = c.index
    }

    package func fill(_ c: inout Eclm__V1__ModuleSlot, in arena: Arena) {
        c.has_kind = 1
        c.kind = Eclm__V1__ModuleKind(rawValue: UInt32(bitPattern: kind.rawValue))
        if let value = layer {
            c.has_layer = 1
            c.layer = value
        }
        c.has_index = 1
        c.index = index
    }
}

extension Wire {
    /// The message `eclm.v1.Tensor`.
    public struct Tensor: WireMessage, Hashable {
        /// Field `name`, number 1.
        public var name: String = ""
        /// As in safetensors: F32, BF16, I8, ...
        public var dtype: String = ""
        /// Field `shape`, number 3.
        public var shape: [Int64] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Tensor: CBackedMessage {
    package static var wireName: String { "eclm.v1.Tensor" }

    package static func emptyStruct() -> Eclm__V1__Tensor {
        var empty = Eclm__V1__Tensor()
        eclm__v1__tensor__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Tensor) {
        self.init()
        name = readString(c.name)
        dtype = readString(c.dtype)
        shape = readScalars(c.shape, c.n_shape)
    }

    package func fill(_ c: inout Eclm__V1__Tensor, in arena: Arena) {
        c.name = arena.string(name, "name")
        c.dtype = arena.string(dtype, "dtype")
        c.n_shape = shape.count
        c.shape = arena.scalars(shape)
    }
}

extension Wire {
    /// The message `eclm.v1.ModuleCosts`.
    public struct ModuleCosts: WireMessage, Hashable {
        /// Field `bytes`, number 1.
        public var bytes: Int64 = 0
        /// Field `parameters`, number 2.
        public var parameters: Int64 = 0
        /// Field `flops`, number 3.
        public var flops: Int64 = 0
        /// Field `peak_memory`, number 4.
        public var peakMemory: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ModuleCosts: CBackedMessage {
    package static var wireName: String { "eclm.v1.ModuleCosts" }

    package static func emptyStruct() -> Eclm__V1__ModuleCosts {
        var empty = Eclm__V1__ModuleCosts()
        eclm__v1__module_costs__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ModuleCosts) {
        self.init()
        bytes = c.bytes
        parameters = c.parameters
        flops = c.flops
        peakMemory = c.peak_memory
    }

    package func fill(_ c: inout Eclm__V1__ModuleCosts, in arena: Arena) {
        c.has_bytes = 1
        c.bytes = bytes
        c.has_parameters = 1
        c.parameters = parameters
        c.has_flops = 1
        c.flops = flops
        c.has_peak_memory = 1
        c.peak_memory = peakMemory
    }
}

extension Wire {
    /// The message `eclm.v1.Requirements`.
    public struct Requirements: WireMessage, Hashable {
        /// Field `dtypes`, number 1.
        public var dtypes: [String] = []
        /// Field `operators`, number 2.
        public var operators: [String] = []
        /// major.minor.patch
        public var minimumRuntime: String = "0.0.0"

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Requirements: CBackedMessage {
    package static var wireName: String { "eclm.v1.Requirements" }

    package static func emptyStruct() -> Eclm__V1__Requirements {
        var empty = Eclm__V1__Requirements()
        eclm__v1__requirements__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Requirements) {
        self.init()
        dtypes = readStrings(c.dtypes, c.n_dtypes)
        operators = readStrings(c.operators, c.n_operators)
        minimumRuntime = readString(c.minimum_runtime)
    }

    package func fill(_ c: inout Eclm__V1__Requirements, in arena: Arena) {
        c.n_dtypes = dtypes.count
        c.dtypes = arena.strings(dtypes, "dtypes")
        c.n_operators = operators.count
        c.operators = arena.strings(operators, "operators")
        c.minimum_runtime = arena.string(minimumRuntime, "minimum_runtime")
    }
}

extension Wire {
    /// The message `eclm.v1.DeviceTraits`.
    public struct DeviceTraits: WireMessage, Hashable {
        /// Field `memory`, number 1.
        public var memory: Int64 = 0
        /// Field `flops`, number 2.
        public var flops: Int64 = 0
        /// Field `dtypes`, number 3.
        public var dtypes: [String] = []
        /// Field `operators`, number 4.
        public var operators: [String] = []
        /// Field `runtime`, number 5.
        public var runtime: String = "0.0.0"

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.DeviceTraits: CBackedMessage {
    package static var wireName: String { "eclm.v1.DeviceTraits" }

    package static func emptyStruct() -> Eclm__V1__DeviceTraits {
        var empty = Eclm__V1__DeviceTraits()
        eclm__v1__device_traits__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__DeviceTraits) {
        self.init()
        memory = c.memory
        flops = c.flops
        dtypes = readStrings(c.dtypes, c.n_dtypes)
        operators = readStrings(c.operators, c.n_operators)
        runtime = readString(c.runtime)
    }

    package func fill(_ c: inout Eclm__V1__DeviceTraits, in arena: Arena) {
        c.has_memory = 1
        c.memory = memory
        c.has_flops = 1
        c.flops = flops
        c.n_dtypes = dtypes.count
        c.dtypes = arena.strings(dtypes, "dtypes")
        c.n_operators = operators.count
        c.operators = arena.strings(operators, "operators")
        c.runtime = arena.string(runtime, "runtime")
    }
}

extension Wire {
    /// Which release: by number, or what a channel points to. A number wins; neither means the channel "stable".
    public struct ReleaseSelector: WireMessage, Hashable {
        /// Field `channel`, number 1.
        public var channel: String?
        /// Field `number`, number 2.
        public var number: Int32?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ReleaseSelector: CBackedMessage {
    package static var wireName: String { "eclm.v1.ReleaseSelector" }

    package static func emptyStruct() -> Eclm__V1__ReleaseSelector {
        var empty = Eclm__V1__ReleaseSelector()
        eclm__v1__release_selector__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ReleaseSelector) {
        self.init()
        if c.channel != nil { channel = readString(c.channel) }
        if c.has_number != 0 { number = c.number }
    }

    package func fill(_ c: inout Eclm__V1__ReleaseSelector, in arena: Arena) {
        if let value = channel {
            c.channel = arena.string(value, "channel")
        }
        if let value = number {
            c.has_number = 1
            c.number = value
        }
    }
}

extension Wire {
    /// page_token is the next_page_token of the answer before; page_size 0 means 100, and 1000 is the most.
    public struct Page: WireMessage, Hashable {
        /// Field `page_size`, number 1.
        public var pageSize: Int32 = 0
        /// Field `page_token`, number 2.
        public var pageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Page: CBackedMessage {
    package static var wireName: String { "eclm.v1.Page" }

    package static func emptyStruct() -> Eclm__V1__Page {
        var empty = Eclm__V1__Page()
        eclm__v1__page__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Page) {
        self.init()
        pageSize = c.page_size
        pageToken = readString(c.page_token)
    }

    package func fill(_ c: inout Eclm__V1__Page, in arena: Arena) {
        c.has_page_size = 1
        c.page_size = pageSize
        c.page_token = arena.string(pageToken, "page_token")
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

    package init(reading c: Eclm__V1__Metric) {
        self.init()
        name = readString(c.name)
        value = c.value
    }

    package func fill(_ c: inout Eclm__V1__Metric, in arena: Arena) {
        c.name = arena.string(name, "name")
        c.has_value = 1
        c.value = value
    }
}
