// swift-format-ignore-file
// Generated from proto/composition.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// The values of Resource; a peer may send others.
    public struct Resource: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `RESOURCE_UNKNOWN`
        public static let unknown = Resource(rawValue: 0)
        /// `RESOURCE_MEMORY`
        public static let memory = Resource(rawValue: 1)
        /// `RESOURCE_FLOPS`
        public static let flops = Resource(rawValue: 2)
        /// `RESOURCE_FETCH_BYTES`
        public static let fetchBytes = Resource(rawValue: 3)
    }
}

extension Wire {
    /// An absent figure is no limit.
    public struct Budget: WireMessage, Hashable {
        /// Field `memory`, number 1.
        public var memory: Int64?
        /// Field `flops`, number 2.
        public var flops: Int64?
        /// Field `fetch_bytes`, number 3.
        public var fetchBytes: Int64?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Budget: CBackedMessage {
    package static var wireName: String { "eclm.v1.Budget" }

    package static func emptyStruct() -> Eclm__V1__Budget {
        var empty = Eclm__V1__Budget()
        eclm__v1__budget__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Budget) {
        self.init()
        if c.has_memory != 0 { memory = c.memory }
        if c.has_flops != 0 { flops = c.flops }
        if c.has_fetch_bytes != 0 { fetchBytes = c.fetch_bytes }
    }

    package func fill(_ c: inout Eclm__V1__Budget, in arena: Arena) {
        if let value = memory {
            c.has_memory = 1
            c.memory = value
        }
        if let value = flops {
            c.has_flops = 1
            c.flops = value
        }
        if let value = fetchBytes {
            c.has_fetch_bytes = 1
            c.fetch_bytes = value
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ResourceAmounts`.
    public struct ResourceAmounts: WireMessage, Hashable {
        /// Field `memory`, number 1.
        public var memory: Int64 = 0
        /// Field `flops`, number 2.
        public var flops: Int64 = 0
        /// Field `fetch_bytes`, number 3.
        public var fetchBytes: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ResourceAmounts: CBackedMessage {
    package static var wireName: String { "eclm.v1.ResourceAmounts" }

    package static func emptyStruct() -> Eclm__V1__ResourceAmounts {
        var empty = Eclm__V1__ResourceAmounts()
        eclm__v1__resource_amounts__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ResourceAmounts) {
        self.init()
        memory = c.memory
        flops = c.flops
        fetchBytes = c.fetch_bytes
    }

    package func fill(_ c: inout Eclm__V1__ResourceAmounts, in arena: Arena) {
        c.has_memory = 1
        c.memory = memory
        c.has_flops = 1
        c.flops = flops
        c.has_fetch_bytes = 1
        c.fetch_bytes = fetchBytes
    }
}

extension Wire {
    /// The importances of one layer's modules, in index order: the selector's mean gates over the device's data.
    public struct LayerImportances: WireMessage, Hashable {
        /// Field `layer`, number 1.
        public var layer: Int32 = 0
        /// Field `importances`, number 2.
        public var importances: [Double] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.LayerImportances: CBackedMessage {
    package static var wireName: String { "eclm.v1.LayerImportances" }

    package static func emptyStruct() -> Eclm__V1__LayerImportances {
        var empty = Eclm__V1__LayerImportances()
        eclm__v1__layer_importances__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__LayerImportances) {
        self.init()
        layer = c.layer
        importances = readScalars(c.importances, c.n_importances)
    }

    package func fill(_ c: inout Eclm__V1__LayerImportances, in arena: Arena) {
        c.has_layer = 1
        c.layer = layer
        c.n_importances = importances.count
        c.importances = arena.scalars(importances)
    }
}

extension Wire {
    /// The message `eclm.v1.ComposeRequest`.
    public struct ComposeRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `release`, number 2.
        public var release: ReleaseSelector?
        /// A registered device: its class gives traits and measured costs, and the composition is recorded.
        public var deviceId: String?
        /// Without a device: a class by name, or bare traits.
        public var deviceClass: String?
        /// Field `traits`, number 5.
        public var traits: DeviceTraits?
        /// Absent figures fall back to the class's memory and flops.
        public var budget: Budget?
        /// Every layer or none; none means the release's defaults.
        public var importances: [LayerImportances] = []
        /// Digests the device already holds: they cost no bytes to fetch.
        public var heldDigests: [[UInt8]] = []
        /// Field `minimum_per_layer`, number 9.
        public var minimumPerLayer: Int32 = 1
        /// The search's limit; 0 for the server's.
        public var timeLimitMs: Int32 = 0
        /// Tell what was left out, and why.
        public var explain: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ComposeRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ComposeRequest" }

    package static func emptyStruct() -> Eclm__V1__ComposeRequest {
        var empty = Eclm__V1__ComposeRequest()
        eclm__v1__compose_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ComposeRequest) {
        self.init()
        model = readString(c.model)
        release = readMessage(c.release)
        if c.device_id != nil { deviceId = readString(c.device_id) }
        if c.device_class != nil { deviceClass = readString(c.device_class) }
        traits = readMessage(c.traits)
        budget = readMessage(c.budget)
        importances = readMessages(c.importances, c.n_importances)
        heldDigests = readByteStrings(c.held_digests, c.n_held_digests)
        minimumPerLayer = c.minimum_per_layer
        timeLimitMs = c.time_limit_ms
        explain = c.explain != 0
    }

    package func fill(_ c: inout Eclm__V1__ComposeRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        if let value = release {
            c.release = arena.message(value)
        }
        if let value = deviceId {
            c.device_id = arena.string(value, "device_id")
        }
        if let value = deviceClass {
            c.device_class = arena.string(value, "device_class")
        }
        if let value = traits {
            c.traits = arena.message(value)
        }
        if let value = budget {
            c.budget = arena.message(value)
        }
        c.n_importances = importances.count
        c.importances = arena.messages(importances)
        c.n_held_digests = heldDigests.count
        c.held_digests = arena.byteStrings(heldDigests)
        c.has_minimum_per_layer = 1
        c.minimum_per_layer = minimumPerLayer
        c.has_time_limit_ms = 1
        c.time_limit_ms = timeLimitMs
        c.has_explain = 1
        c.explain = explain ? 1 : 0
    }
}

extension Wire {
    /// The message `eclm.v1.ComposedModule`.
    public struct ComposedModule: WireMessage, Hashable {
        /// Field `module_version_id`, number 1.
        public var moduleVersionId: Int64 = 0
        /// Field `module`, number 2.
        public var module: String = ""
        /// Field `slot`, number 3.
        public var slot: ModuleSlot?
        /// Field `version`, number 4.
        public var version: Int32 = 0
        /// Field `digest`, number 5.
        public var digest: [UInt8] = []
        /// Field `bytes`, number 6.
        public var bytes: Int64 = 0
        /// Field `importance`, number 7.
        public var importance: Double = 0
        /// Field `held`, number 8.
        public var held: Bool = false
        /// Field `memory`, number 9.
        public var memory: Int64 = 0
        /// Field `flops`, number 10.
        public var flops: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ComposedModule: CBackedMessage {
    package static var wireName: String { "eclm.v1.ComposedModule" }

    package static func emptyStruct() -> Eclm__V1__ComposedModule {
        var empty = Eclm__V1__ComposedModule()
        eclm__v1__composed_module__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ComposedModule) {
        self.init()
        moduleVersionId = c.module_version_id
        module = readString(c.module)
        slot = readMessage(c.slot)
        version = c.version
        digest = readBytes(c.digest)
        bytes = c.bytes
        importance = c.importance
        held = c.held != 0
        memory = c.memory
        flops = c.flops
    }

    package func fill(_ c: inout Eclm__V1__ComposedModule, in arena: Arena) {
        c.has_module_version_id = 1
        c.module_version_id = moduleVersionId
        c.module = arena.string(module, "module")
        if let value = slot {
            c.slot = arena.message(value)
        }
        c.has_version = 1
        c.version = version
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.has_bytes = 1
        c.bytes = bytes
        c.has_importance = 1
        c.importance = importance
        c.has_held = 1
        c.held = held ? 1 : 0
        c.has_memory = 1
        c.memory = memory
        c.has_flops = 1
        c.flops = flops
    }
}

extension Wire {
    /// The message `eclm.v1.ExcludedModule`.
    public struct ExcludedModule: WireMessage, Hashable {
        /// Field `module`, number 1.
        public var module: String = ""
        /// Field `importance`, number 2.
        public var importance: Double = 0
        /// What the device lacks; empty when the module could run but was not worth its cost.
        public var reasons: [String] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ExcludedModule: CBackedMessage {
    package static var wireName: String { "eclm.v1.ExcludedModule" }

    package static func emptyStruct() -> Eclm__V1__ExcludedModule {
        var empty = Eclm__V1__ExcludedModule()
        eclm__v1__excluded_module__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ExcludedModule) {
        self.init()
        module = readString(c.module)
        importance = c.importance
        reasons = readStrings(c.reasons, c.n_reasons)
    }

    package func fill(_ c: inout Eclm__V1__ExcludedModule, in arena: Arena) {
        c.module = arena.string(module, "module")
        c.has_importance = 1
        c.importance = importance
        c.n_reasons = reasons.count
        c.reasons = arena.strings(reasons, "reasons")
    }
}

extension Wire {
    /// The message `eclm.v1.Composition`.
    public struct Composition: WireMessage, Hashable {
        /// Field `modules`, number 1.
        public var modules: [ComposedModule] = []
        /// Field `totals`, number 2.
        public var totals: ResourceAmounts?
        /// Field `objective`, number 3.
        public var objective: Double = 0
        /// Field `bound`, number 4.
        public var bound: Double = 0
        /// Field `gap`, number 5.
        public var gap: Double = 0
        /// Field `optimal`, number 6.
        public var optimal: Bool = false
        /// Field `binding`, number 7.
        public var binding: [Resource] = []
        /// Field `nodes`, number 8.
        public var nodes: Int64 = 0
        /// Field `excluded`, number 9.
        public var excluded: [ExcludedModule] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Composition: CBackedMessage {
    package static var wireName: String { "eclm.v1.Composition" }

    package static func emptyStruct() -> Eclm__V1__Composition {
        var empty = Eclm__V1__Composition()
        eclm__v1__composition__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Composition) {
        self.init()
        modules = readMessages(c.modules, c.n_modules)
        totals = readMessage(c.totals)
        objective = c.objective
        bound = c.bound
        gap = c.gap
        optimal = c.optimal != 0
        binding = readScalars(c.binding, c.n_binding).map { Wire.Resource(rawValue: Int32(bitPattern: $0.rawValue)) }
        nodes = c.nodes
        excluded = readMessages(c.excluded, c.n_excluded)
    }

    package func fill(_ c: inout Eclm__V1__Composition, in arena: Arena) {
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
        if let value = totals {
            c.totals = arena.message(value)
        }
        c.has_objective = 1
        c.objective = objective
        c.has_bound = 1
        c.bound = bound
        c.has_gap = 1
        c.gap = gap
        c.has_optimal = 1
        c.optimal = optimal ? 1 : 0
        c.n_binding = binding.count
        c.binding = arena.scalars(binding.map { Eclm__V1__Resource(rawValue: UInt32(bitPattern: $0.rawValue)) })
        c.has_nodes = 1
        c.nodes = nodes
        c.n_excluded = excluded.count
        c.excluded = arena.messages(excluded)
    }
}

extension Wire {
    /// The message `eclm.v1.Shortfall`.
    public struct Shortfall: WireMessage, Hashable {
        /// Field `resource`, number 1.
        public var resource: Resource = .unknown
        /// Field `budget`, number 2.
        public var budget: Int64 = 0
        /// Field `needed`, number 3.
        public var needed: Int64 = 0
        /// Field `missing`, number 4.
        public var missing: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Shortfall: CBackedMessage {
    package static var wireName: String { "eclm.v1.Shortfall" }

    package static func emptyStruct() -> Eclm__V1__Shortfall {
        var empty = Eclm__V1__Shortfall()
        eclm__v1__shortfall__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Shortfall) {
        self.init()
        resource = Wire.Resource(rawValue: Int32(bitPattern: c.resource.rawValue))
        budget = c.budget
        needed = c.needed
        missing = c.missing
    }

    package func fill(_ c: inout Eclm__V1__Shortfall, in arena: Arena) {
        c.has_resource = 1
        c.resource = Eclm__V1__Resource(rawValue: UInt32(bitPattern: resource.rawValue))
        c.has_budget = 1
        c.budget = budget
        c.has_needed = 1
        c.needed = needed
        c.has_missing = 1
        c.missing = missing
    }
}

extension Wire {
    /// The message `eclm.v1.Infeasibility`.
    public struct Infeasibility: WireMessage, Hashable {
        /// Field `empty_layers`, number 1.
        public var emptyLayers: [Int32] = []
        /// Field `shortfalls`, number 2.
        public var shortfalls: [Shortfall] = []
        /// Field `smallest_budget`, number 3.
        public var smallestBudget: Budget?
        /// Field `message`, number 4.
        public var message: String = ""
        /// Field `excluded`, number 5.
        public var excluded: [ExcludedModule] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.Infeasibility: CBackedMessage {
    package static var wireName: String { "eclm.v1.Infeasibility" }

    package static func emptyStruct() -> Eclm__V1__Infeasibility {
        var empty = Eclm__V1__Infeasibility()
        eclm__v1__infeasibility__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__Infeasibility) {
        self.init()
        emptyLayers = readScalars(c.empty_layers, c.n_empty_layers)
        shortfalls = readMessages(c.shortfalls, c.n_shortfalls)
        smallestBudget = readMessage(c.smallest_budget)
        message = readString(c.message)
        excluded = readMessages(c.excluded, c.n_excluded)
    }

    package func fill(_ c: inout Eclm__V1__Infeasibility, in arena: Arena) {
        c.n_empty_layers = emptyLayers.count
        c.empty_layers = arena.scalars(emptyLayers)
        c.n_shortfalls = shortfalls.count
        c.shortfalls = arena.messages(shortfalls)
        if let value = smallestBudget {
            c.smallest_budget = arena.message(value)
        }
        c.message = arena.string(message, "message")
        c.n_excluded = excluded.count
        c.excluded = arena.messages(excluded)
    }
}

extension Wire {
    /// Exactly one of composition and infeasibility.
    public struct ComposeResponse: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `release`, number 2.
        public var release: Int32 = 0
        /// Field `composition`, number 3.
        public var composition: Composition?
        /// Field `infeasibility`, number 4.
        public var infeasibility: Infeasibility?
        /// The budget that the search used, after the class's figures filled the gaps.
        public var budget: Budget?
        /// Field `solve_us`, number 6.
        public var solveUs: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ComposeResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ComposeResponse" }

    package static func emptyStruct() -> Eclm__V1__ComposeResponse {
        var empty = Eclm__V1__ComposeResponse()
        eclm__v1__compose_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ComposeResponse) {
        self.init()
        model = readString(c.model)
        release = c.release
        composition = readMessage(c.composition)
        infeasibility = readMessage(c.infeasibility)
        budget = readMessage(c.budget)
        solveUs = c.solve_us
    }

    package func fill(_ c: inout Eclm__V1__ComposeResponse, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.has_release = 1
        c.release = release
        if let value = composition {
            c.composition = arena.message(value)
        }
        if let value = infeasibility {
            c.infeasibility = arena.message(value)
        }
        if let value = budget {
            c.budget = arena.message(value)
        }
        c.has_solve_us = 1
        c.solve_us = solveUs
    }
}

/// The methods of `eclm.v1.CompositionService`.
public enum CompositionServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.CompositionService"
    /// `CompositionService.Compose`
    public static let compose = RemoteMethod<Wire.ComposeRequest, Wire.ComposeResponse>(
        service: name, name: "Compose", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
}
