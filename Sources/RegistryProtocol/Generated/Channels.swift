// swift-format-ignore-file
// Generated from proto/channels.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// Why a channel moved.
    public struct ChannelAction: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `CHANNEL_ACTION_UNKNOWN`
        public static let unknown = ChannelAction(rawValue: 0)
        /// `CHANNEL_ACTION_CREATE`
        public static let create = ChannelAction(rawValue: 1)
        /// `CHANNEL_ACTION_PUBLISH`
        public static let publish = ChannelAction(rawValue: 2)
        /// `CHANNEL_ACTION_ROUND`
        public static let round = ChannelAction(rawValue: 3)
        /// `CHANNEL_ACTION_ROLLBACK`
        public static let rollback = ChannelAction(rawValue: 4)
        /// `CHANNEL_ACTION_MOVE`
        public static let move = ChannelAction(rawValue: 5)
    }
}

extension Wire {
    /// The message `eclm.v1.ListChannelsRequest`.
    public struct ListChannelsRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListChannelsRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListChannelsRequest" }

    package static func emptyStruct() -> Eclm__V1__ListChannelsRequest {
        var empty = Eclm__V1__ListChannelsRequest()
        eclm__v1__list_channels_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListChannelsRequest) {
        self.init()
        model = readString(c.model)
    }

    package func fill(_ c: inout Eclm__V1__ListChannelsRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
    }
}

extension Wire {
    /// The message `eclm.v1.ListChannelsResponse`.
    public struct ListChannelsResponse: WireMessage, Hashable {
        /// Field `channels`, number 1.
        public var channels: [ChannelPointer] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ListChannelsResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ListChannelsResponse" }

    package static func emptyStruct() -> Eclm__V1__ListChannelsResponse {
        var empty = Eclm__V1__ListChannelsResponse()
        eclm__v1__list_channels_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ListChannelsResponse) {
        self.init()
        channels = readMessages(c.channels, c.n_channels)
    }

    package func fill(_ c: inout Eclm__V1__ListChannelsResponse, in arena: Arena) {
        c.n_channels = channels.count
        c.channels = arena.messages(channels)
    }
}

extension Wire {
    /// The message `eclm.v1.MoveChannelRequest`.
    public struct MoveChannelRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `channel`, number 2.
        public var channel: String = ""
        /// Field `release`, number 3.
        public var release: Int32 = 0
        /// Field `reason`, number 4.
        public var reason: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.MoveChannelRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.MoveChannelRequest" }

    package static func emptyStruct() -> Eclm__V1__MoveChannelRequest {
        var empty = Eclm__V1__MoveChannelRequest()
        eclm__v1__move_channel_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__MoveChannelRequest) {
        self.init()
        model = readString(c.model)
        channel = readString(c.channel)
        release = c.release
        reason = readString(c.reason)
    }

    package func fill(_ c: inout Eclm__V1__MoveChannelRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.channel = arena.string(channel, "channel")
        c.has_release = 1
        c.release = release
        c.reason = arena.string(reason, "reason")
    }
}

extension Wire {
    /// The message `eclm.v1.MoveChannelResponse`.
    public struct MoveChannelResponse: WireMessage, Hashable {
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

extension Wire.MoveChannelResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.MoveChannelResponse" }

    package static func emptyStruct() -> Eclm__V1__MoveChannelResponse {
        var empty = Eclm__V1__MoveChannelResponse()
        eclm__v1__move_channel_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__MoveChannelResponse) {
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

    package func fill(_ c: inout Eclm__V1__MoveChannelResponse, in arena: Arena) {
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

extension Wire.MoveChannelResponse {
    /// The message with the fields of a ``Wire/Release``.
    public init(_ release: Wire.Release) {
        self.init()
        model = release.model
        number = release.number
        parent = release.parent
        origin = release.origin
        round = release.round
        reason = release.reason
        createdAtUs = release.createdAtUs
        createdBy = release.createdBy
        withdrawn = release.withdrawn
        channels = release.channels
        releaseOrigin = release.releaseOrigin
    }

    /// Its fields as a ``Wire/Release``.
    public var release: Wire.Release {
        var release = Wire.Release()
        release.model = model
        release.number = number
        release.parent = parent
        release.origin = origin
        release.round = round
        release.reason = reason
        release.createdAtUs = createdAtUs
        release.createdBy = createdBy
        release.withdrawn = withdrawn
        release.channels = channels
        release.releaseOrigin = releaseOrigin
        return release
    }
}

extension Wire {
    /// The message `eclm.v1.ChannelHistoryRequest`.
    public struct ChannelHistoryRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `channel`, number 2.
        public var channel: String = ""
        /// Field `page`, number 3.
        public var page: Page?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ChannelHistoryRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.ChannelHistoryRequest" }

    package static func emptyStruct() -> Eclm__V1__ChannelHistoryRequest {
        var empty = Eclm__V1__ChannelHistoryRequest()
        eclm__v1__channel_history_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ChannelHistoryRequest) {
        self.init()
        model = readString(c.model)
        channel = readString(c.channel)
        page = readMessage(c.page)
    }

    package func fill(_ c: inout Eclm__V1__ChannelHistoryRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.channel = arena.string(channel, "channel")
        if let value = page {
            c.page = arena.message(value)
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ChannelMove`.
    public struct ChannelMove: WireMessage, Hashable {
        /// Field `revision`, number 1.
        public var revision: Int32 = 0
        /// Field `from_release`, number 2.
        public var fromRelease: Int32?
        /// Field `to_release`, number 3.
        public var toRelease: Int32 = 0
        /// create, publish, round, rollback or move: as channel_action, for clients that do not know it.
        public var action: String = ""
        /// Field `reason`, number 5.
        public var reason: String = ""
        /// Field `moved_by`, number 6.
        public var movedBy: String = ""
        /// Field `moved_at_us`, number 7.
        public var movedAtUs: Int64 = 0
        /// Counts; absent from old servers, which write action alone.
        public var channelAction: ChannelAction?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ChannelMove: CBackedMessage {
    package static var wireName: String { "eclm.v1.ChannelMove" }

    package static func emptyStruct() -> Eclm__V1__ChannelMove {
        var empty = Eclm__V1__ChannelMove()
        eclm__v1__channel_move__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ChannelMove) {
        self.init()
        revision = c.revision
        if c.has_from_release != 0 { fromRelease = c.from_release }
        toRelease = c.to_release
        action = readString(c.action)
        reason = readString(c.reason)
        movedBy = readString(c.moved_by)
        movedAtUs = c.moved_at_us
        if c.has_channel_action != 0 { channelAction = Wire.ChannelAction(rawValue: Int32(bitPattern: c.channel_action.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__ChannelMove, in arena: Arena) {
        c.has_revision = 1
        c.revision = revision
        if let value = fromRelease {
            c.has_from_release = 1
            c.from_release = value
        }
        c.has_to_release = 1
        c.to_release = toRelease
        c.action = arena.string(action, "action")
        c.reason = arena.string(reason, "reason")
        c.moved_by = arena.string(movedBy, "moved_by")
        c.has_moved_at_us = 1
        c.moved_at_us = movedAtUs
        if let value = channelAction {
            c.has_channel_action = 1
            c.channel_action = Eclm__V1__ChannelAction(rawValue: UInt32(bitPattern: value.rawValue))
        }
    }
}

extension Wire {
    /// The message `eclm.v1.ChannelHistoryResponse`.
    public struct ChannelHistoryResponse: WireMessage, Hashable {
        /// Field `moves`, number 1.
        public var moves: [ChannelMove] = []
        /// Field `next_page_token`, number 2.
        public var nextPageToken: String = ""

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.ChannelHistoryResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.ChannelHistoryResponse" }

    package static func emptyStruct() -> Eclm__V1__ChannelHistoryResponse {
        var empty = Eclm__V1__ChannelHistoryResponse()
        eclm__v1__channel_history_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__ChannelHistoryResponse) {
        self.init()
        moves = readMessages(c.moves, c.n_moves)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ChannelHistoryResponse, in arena: Arena) {
        c.n_moves = moves.count
        c.moves = arena.messages(moves)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
    }
}

extension Wire {
    /// Answers as soon as the channel points to a release other than after_release, or when wait_ms have passed.
    public struct WatchRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String = ""
        /// Field `channel`, number 2.
        public var channel: String = "stable"
        /// Field `after_release`, number 3.
        public var afterRelease: Int32 = 0
        /// 0 for 30 s; never beyond the call's deadline.
        public var waitMs: Int32 = 0
        /// Whom it is for, as in GetRelease.
        public var deviceId: String?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.WatchRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.WatchRequest" }

    package static func emptyStruct() -> Eclm__V1__WatchRequest {
        var empty = Eclm__V1__WatchRequest()
        eclm__v1__watch_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__WatchRequest) {
        self.init()
        model = readString(c.model)
        channel = readString(c.channel)
        afterRelease = c.after_release
        waitMs = c.wait_ms
        if c.device_id != nil { deviceId = readString(c.device_id) }
    }

    package func fill(_ c: inout Eclm__V1__WatchRequest, in arena: Arena) {
        c.model = arena.string(model, "model")
        c.channel = arena.string(channel, "channel")
        c.has_after_release = 1
        c.after_release = afterRelease
        c.has_wait_ms = 1
        c.wait_ms = waitMs
        if let value = deviceId {
            c.device_id = arena.string(value, "device_id")
        }
    }
}

extension Wire {
    /// The message `eclm.v1.WatchResponse`.
    public struct WatchResponse: WireMessage, Hashable {
        /// Field `release`, number 1.
        public var release: Int32 = 0
        /// Field `changed`, number 2.
        public var changed: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.WatchResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.WatchResponse" }

    package static func emptyStruct() -> Eclm__V1__WatchResponse {
        var empty = Eclm__V1__WatchResponse()
        eclm__v1__watch_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__WatchResponse) {
        self.init()
        release = c.release
        changed = c.changed != 0
    }

    package func fill(_ c: inout Eclm__V1__WatchResponse, in arena: Arena) {
        c.has_release = 1
        c.release = release
        c.has_changed = 1
        c.changed = changed ? 1 : 0
    }
}

/// The methods of `eclm.v1.ChannelService`.
public enum ChannelServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.ChannelService"
    /// `ChannelService.ListChannels`
    public static let listChannels = RemoteMethod<Wire.ListChannelsRequest, Wire.ListChannelsResponse>(
        service: name, name: "ListChannels", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// Nothing where the channel points there already; a second time may undo what others did meanwhile.
    public static let moveChannel = RemoteMethod<Wire.MoveChannelRequest, Wire.MoveChannelResponse>(
        service: name, name: "MoveChannel", repeatability: .notRepeatable, roles: [.operator], deadline: .milliseconds(30000))
    /// `ChannelService.ChannelHistory`
    public static let channelHistory = RemoteMethod<Wire.ChannelHistoryRequest, Wire.ChannelHistoryResponse>(
        service: name, name: "ChannelHistory", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// Waits on purpose, a little less than the deadline allows.
    public static let watch = RemoteMethod<Wire.WatchRequest, Wire.WatchResponse>(
        service: name, name: "Watch", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
}
