// swift-format-ignore-file
// Generated from proto/health.proto by `make proto`; do not edit.

import CProtocol

extension Wire {
    /// The message `eclm.v1.HealthResponse`.
    public struct HealthResponse: WireMessage, Hashable {
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

extension Wire.HealthResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.HealthResponse" }

    package static func emptyStruct() -> Eclm__V1__HealthResponse {
        var empty = Eclm__V1__HealthResponse()
        eclm__v1__health_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__HealthResponse) throws(WireError) {
        self.init()
        serving = c.serving != 0
        database = c.database != 0
        version = try readString(c.version, "version")
        catalogueAgeMs = c.catalogue_age_ms
        inFlight = c.in_flight
        uptimeMs = c.uptime_ms
    }

    package func fill(_ c: inout Eclm__V1__HealthResponse, in arena: Arena) {
        c.has_serving = 1
        c.serving = serving ? 1 : 0
        c.has_database = 1
        c.database = database ? 1 : 0
        c.version = arena.string(version)
        c.has_catalogue_age_ms = 1
        c.catalogue_age_ms = catalogueAgeMs
        c.has_in_flight = 1
        c.in_flight = inFlight
        c.has_uptime_ms = 1
        c.uptime_ms = uptimeMs
    }
}

extension Wire {
    /// The message `eclm.v1.EchoMessage`.
    public struct EchoMessage: WireMessage, Hashable {
        /// Field `payload`, number 1.
        public var payload: [UInt8] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.EchoMessage: CBackedMessage {
    package static var wireName: String { "eclm.v1.EchoMessage" }

    package static func emptyStruct() -> Eclm__V1__EchoMessage {
        var empty = Eclm__V1__EchoMessage()
        eclm__v1__echo_message__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__EchoMessage) throws(WireError) {
        self.init()
        payload = readBytes(c.payload)
    }

    package func fill(_ c: inout Eclm__V1__EchoMessage, in arena: Arena) {
        c.has_payload = 1
        c.payload = arena.bytes(payload)
    }
}

/// The methods of `eclm.v1.HealthService`.
public enum HealthServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.HealthService"
    /// `HealthService.Check`
    public static let check = RemoteMethod<Wire.Empty, Wire.HealthResponse>(service: name, name: "Check")
    /// `HealthService.Echo`
    public static let echo = RemoteMethod<Wire.EchoMessage, Wire.EchoMessage>(service: name, name: "Echo")
}
