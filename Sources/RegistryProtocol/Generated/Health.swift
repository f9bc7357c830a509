// swift-format-ignore-file
// Generated from proto/health.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// The message `eclm.v1.CheckRequest`.
    public struct CheckRequest: WireMessage, Hashable {

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.CheckRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.CheckRequest" }

    package static func emptyStruct() -> Eclm__V1__CheckRequest {
        var empty = Eclm__V1__CheckRequest()
        eclm__v1__check_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__CheckRequest) {
        self.init()
    }

    package func fill(_ c: inout Eclm__V1__CheckRequest, in arena: Arena) {
    }
}

extension Wire {
    /// The message `eclm.v1.CheckResponse`.
    public struct CheckResponse: WireMessage, Hashable {
        /// Answers compositions from its catalogue.
        public var serving: Bool = false
        /// The database answers; without it the server goes on serving what it holds.
        public var database: Bool = false
        /// Field `version`, number 3.
        public var version: String = ""
        /// Field `catalogue_age_ms`, number 4.
        public var catalogueAgeMs: Int64 = 0
        /// Field `in_flight`, number 5.
        public var inFlight: Int32 = 0
        /// Field `uptime_ms`, number 6.
        public var uptimeMs: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.CheckResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.CheckResponse" }

    package static func emptyStruct() -> Eclm__V1__CheckResponse {
        var empty = Eclm__V1__CheckResponse()
        eclm__v1__check_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__CheckResponse) {
        self.init()
        serving = c.serving != 0
        database = c.database != 0
        version = readString(c.version)
        catalogueAgeMs = c.catalogue_age_ms
        inFlight = c.in_flight
        uptimeMs = c.uptime_ms
    }

    package func fill(_ c: inout Eclm__V1__CheckResponse, in arena: Arena) {
        c.has_serving = 1
        c.serving = serving ? 1 : 0
        c.has_database = 1
        c.database = database ? 1 : 0
        c.version = arena.string(version, "version")
        c.has_catalogue_age_ms = 1
        c.catalogue_age_ms = catalogueAgeMs
        c.has_in_flight = 1
        c.in_flight = inFlight
        c.has_uptime_ms = 1
        c.uptime_ms = uptimeMs
    }
}

extension Wire {
    /// The message `eclm.v1.EchoRequest`.
    public struct EchoRequest: WireMessage, Hashable {
        /// Field `payload`, number 1.
        public var payload: [UInt8] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.EchoRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.EchoRequest" }

    package static func emptyStruct() -> Eclm__V1__EchoRequest {
        var empty = Eclm__V1__EchoRequest()
        eclm__v1__echo_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__EchoRequest) {
        self.init()
        payload = readBytes(c.payload)
    }

    package func fill(_ c: inout Eclm__V1__EchoRequest, in arena: Arena) {
        c.has_payload = 1
        c.payload = arena.bytes(payload)
    }
}

extension Wire {
    /// Payload and attachment of the request.
    public struct EchoResponse: WireMessage, Hashable {
        /// Field `payload`, number 1.
        public var payload: [UInt8] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.EchoResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.EchoResponse" }

    package static func emptyStruct() -> Eclm__V1__EchoResponse {
        var empty = Eclm__V1__EchoResponse()
        eclm__v1__echo_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__EchoResponse) {
        self.init()
        payload = readBytes(c.payload)
    }

    package func fill(_ c: inout Eclm__V1__EchoResponse, in arena: Arena) {
        c.has_payload = 1
        c.payload = arena.bytes(payload)
    }
}

/// The methods of `eclm.v1.HealthService`.
public enum HealthServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.HealthService"
    /// `HealthService.Check`
    public static let check = RemoteMethod<Wire.CheckRequest, Wire.CheckResponse>(
        service: name, name: "Check", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(5000))
    /// `HealthService.Echo`
    public static let echo = RemoteMethod<Wire.EchoRequest, Wire.EchoResponse>(
        service: name, name: "Echo", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
}
