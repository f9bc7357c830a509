// swift-format-ignore-file
// Generated from proto/updates.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// How weights of an update are written; docs/protocol.md has the files.
    public struct UpdateEncoding: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `UPDATE_ENCODING_UNKNOWN`
        public static let unknown = UpdateEncoding(rawValue: 0)
        /// `UPDATE_ENCODING_FULL`
        public static let full = UpdateEncoding(rawValue: 1)
        /// `UPDATE_ENCODING_DELTA`
        public static let delta = UpdateEncoding(rawValue: 2)
        /// `UPDATE_ENCODING_INT8_DELTA`
        public static let int8Delta = UpdateEncoding(rawValue: 3)
        /// `UPDATE_ENCODING_SPARSE_DELTA`
        public static let sparseDelta = UpdateEncoding(rawValue: 4)
    }
}

extension Wire {
    /// The values of UpdateStatus; a peer may send others.
    public struct UpdateStatus: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: Int32
        /// A value from its number on the wire.
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// `UPDATE_STATUS_UNKNOWN`
        public static let unknown = UpdateStatus(rawValue: 0)
        /// `UPDATE_STATUS_PENDING`
        public static let pending = UpdateStatus(rawValue: 1)
        /// `UPDATE_STATUS_AGGREGATED`
        public static let aggregated = UpdateStatus(rawValue: 2)
        /// `UPDATE_STATUS_QUARANTINED`
        public static let quarantined = UpdateStatus(rawValue: 3)
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
        /// full, delta, int8_delta or sparse_delta. Counts where update_encoding is absent; clients write both, for old servers.
        public var encoding: String = "full"
        /// Field `importance`, number 5.
        public var importance: Double = 0
        /// 0: the update's.
        public var sampleCount: Int64 = 0
        /// A region's partial aggregate: the digest of the blob that names its inputs. Empty: a device's own update.
        public var lineage: [UInt8] = []
        /// How the weights are written. Counts before encoding.
        public var updateEncoding: UpdateEncoding?
        /// The digest of the weights that it was trained from, as the device had them. A difference is taken only with it, and
        /// only where the base version has these weights; version numbers alone do not tell after a restore from a backup.
        public var baseDigest: [UInt8]?
        /// Of a difference: the digest of the trained weights themselves. The same weights in another encoding are then the same
        /// content.
        public var trainedDigest: [UInt8]?

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

    package init(reading c: Eclm__V1__TrainedModule) {
        self.init()
        module = readString(c.module)
        baseVersion = c.base_version
        digest = readBytes(c.digest)
        encoding = readString(c.encoding)
        importance = c.importance
        sampleCount = c.sample_count
        lineage = readBytes(c.lineage)
        if c.has_update_encoding != 0 { updateEncoding = Wire.UpdateEncoding(rawValue: Int32(bitPattern: c.update_encoding.rawValue)) }
        if c.has_base_digest != 0 { baseDigest = readBytes(c.base_digest) }
        if c.has_trained_digest != 0 { trainedDigest = readBytes(c.trained_digest) }
    }

    package func fill(_ c: inout Eclm__V1__TrainedModule, in arena: Arena) {
        c.module = arena.string(module, "module")
        c.has_base_version = 1
        c.base_version = baseVersion
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.encoding = arena.string(encoding, "encoding")
        c.has_importance = 1
        c.importance = importance
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.has_lineage = 1
        c.lineage = arena.bytes(lineage)
        if let value = updateEncoding {
            c.has_update_encoding = 1
            c.update_encoding = Eclm__V1__UpdateEncoding(rawValue: UInt32(bitPattern: value.rawValue))
        }
        if let value = baseDigest {
            c.has_base_digest = 1
            c.base_digest = arena.bytes(value)
        }
        if let value = trainedDigest {
            c.has_trained_digest = 1
            c.trained_digest = arena.bytes(value)
        }
    }
}

extension Wire {
    /// Weights whose bytes come with the request.
    public struct AttachedBlob: WireMessage, Hashable {
        /// Field `digest`, number 1.
        public var digest: [UInt8] = []
        /// Field `size`, number 2.
        public var size: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.AttachedBlob: CBackedMessage {
    package static var wireName: String { "eclm.v1.AttachedBlob" }

    package static func emptyStruct() -> Eclm__V1__AttachedBlob {
        var empty = Eclm__V1__AttachedBlob()
        eclm__v1__attached_blob__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__AttachedBlob) {
        self.init()
        digest = readBytes(c.digest)
        size = c.size
    }

    package func fill(_ c: inout Eclm__V1__AttachedBlob, in arena: Arena) {
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.has_size = 1
        c.size = size
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
        /// Weights of modules that are the attachment: one behind the other, in this order, at most 8 MiB together. They are stored
        /// with the update, or not at all. What is larger is put first, with BlobService; so is all where a server is too old to
        /// take attachments, which says that the weights are not stored.
        public var attached: [AttachedBlob] = []

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

    package init(reading c: Eclm__V1__SubmitRequest) {
        self.init()
        deviceId = readString(c.device_id)
        model = readString(c.model)
        baseRelease = c.base_release
        idempotencyKey = readString(c.idempotency_key)
        sampleCount = c.sample_count
        metrics = readMessages(c.metrics, c.n_metrics)
        modules = readMessages(c.modules, c.n_modules)
        attached = readMessages(c.attached, c.n_attached)
    }

    package func fill(_ c: inout Eclm__V1__SubmitRequest, in arena: Arena) {
        c.device_id = arena.string(deviceId, "device_id")
        c.model = arena.string(model, "model")
        c.has_base_release = 1
        c.base_release = baseRelease
        c.idempotency_key = arena.string(idempotencyKey, "idempotency_key")
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.n_metrics = metrics.count
        c.metrics = arena.messages(metrics)
        c.n_modules = modules.count
        c.modules = arena.messages(modules)
        c.n_attached = attached.count
        c.attached = arena.messages(attached)
    }
}

extension Wire {
    /// The message `eclm.v1.SubmitResponse`.
    public struct SubmitResponse: WireMessage, Hashable {
        /// Field `update_id`, number 1.
        public var updateId: Int64 = 0
        /// True when this key was submitted before with the same content.
        public var replayed: Bool = false
        /// As update_status, for clients that do not know it.
        public var status: String = ""
        /// Counts; absent from old servers, which write status alone.
        public var updateStatus: UpdateStatus?
        /// With replayed: the same trained weights were submitted before, but in other bytes, such as another encoding. What was
        /// submitted first counts.
        public var encodedOtherwise: Bool?
        /// Bytes of attached weights that were not stored before.
        public var storedBytes: Int64?

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

    package init(reading c: Eclm__V1__SubmitResponse) {
        self.init()
        updateId = c.update_id
        replayed = c.replayed != 0
        status = readString(c.status)
        if c.has_update_status != 0 { updateStatus = Wire.UpdateStatus(rawValue: Int32(bitPattern: c.update_status.rawValue)) }
        if c.has_encoded_otherwise != 0 { encodedOtherwise = c.encoded_otherwise != 0 }
        if c.has_stored_bytes != 0 { storedBytes = c.stored_bytes }
    }

    package func fill(_ c: inout Eclm__V1__SubmitResponse, in arena: Arena) {
        c.has_update_id = 1
        c.update_id = updateId
        c.has_replayed = 1
        c.replayed = replayed ? 1 : 0
        c.status = arena.string(status, "status")
        if let value = updateStatus {
            c.has_update_status = 1
            c.update_status = Eclm__V1__UpdateStatus(rawValue: UInt32(bitPattern: value.rawValue))
        }
        if let value = encodedOtherwise {
            c.has_encoded_otherwise = 1
            c.encoded_otherwise = value ? 1 : 0
        }
        if let value = storedBytes {
            c.has_stored_bytes = 1
            c.stored_bytes = value
        }
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

    package init(reading c: Eclm__V1__GetUpdateRequest) {
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
        /// pending, aggregated or quarantined: as update_status, for clients that do not know it.
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
        /// Counts; absent from old servers, which write status alone.
        public var updateStatus: UpdateStatus?

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

    package init(reading c: Eclm__V1__Update) {
        self.init()
        updateId = c.update_id
        deviceId = readString(c.device_id)
        model = readString(c.model)
        baseRelease = c.base_release
        idempotencyKey = readString(c.idempotency_key)
        sampleCount = c.sample_count
        status = readString(c.status)
        quarantineReason = readString(c.quarantine_reason)
        if c.has_round != 0 { round = c.round }
        if c.has_release != 0 { release = c.release }
        submittedAtUs = c.submitted_at_us
        if c.has_decided_at_us != 0 { decidedAtUs = c.decided_at_us }
        modules = c.modules
        if c.has_update_status != 0 { updateStatus = Wire.UpdateStatus(rawValue: Int32(bitPattern: c.update_status.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__Update, in arena: Arena) {
        c.has_update_id = 1
        c.update_id = updateId
        c.device_id = arena.string(deviceId, "device_id")
        c.model = arena.string(model, "model")
        c.has_base_release = 1
        c.base_release = baseRelease
        c.idempotency_key = arena.string(idempotencyKey, "idempotency_key")
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.status = arena.string(status, "status")
        c.quarantine_reason = arena.string(quarantineReason, "quarantine_reason")
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
        if let value = updateStatus {
            c.has_update_status = 1
            c.update_status = Eclm__V1__UpdateStatus(rawValue: UInt32(bitPattern: value.rawValue))
        }
    }
}

extension Wire {
    /// The message `eclm.v1.GetUpdateResponse`.
    public struct GetUpdateResponse: WireMessage, Hashable {
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
        /// pending, aggregated or quarantined: as update_status, for clients that do not know it.
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
        /// Counts; absent from old servers, which write status alone.
        public var updateStatus: UpdateStatus?

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetUpdateResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetUpdateResponse" }

    package static func emptyStruct() -> Eclm__V1__GetUpdateResponse {
        var empty = Eclm__V1__GetUpdateResponse()
        eclm__v1__get_update_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetUpdateResponse) {
        self.init()
        updateId = c.update_id
        deviceId = readString(c.device_id)
        model = readString(c.model)
        baseRelease = c.base_release
        idempotencyKey = readString(c.idempotency_key)
        sampleCount = c.sample_count
        status = readString(c.status)
        quarantineReason = readString(c.quarantine_reason)
        if c.has_round != 0 { round = c.round }
        if c.has_release != 0 { release = c.release }
        submittedAtUs = c.submitted_at_us
        if c.has_decided_at_us != 0 { decidedAtUs = c.decided_at_us }
        modules = c.modules
        if c.has_update_status != 0 { updateStatus = Wire.UpdateStatus(rawValue: Int32(bitPattern: c.update_status.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__GetUpdateResponse, in arena: Arena) {
        c.has_update_id = 1
        c.update_id = updateId
        c.device_id = arena.string(deviceId, "device_id")
        c.model = arena.string(model, "model")
        c.has_base_release = 1
        c.base_release = baseRelease
        c.idempotency_key = arena.string(idempotencyKey, "idempotency_key")
        c.has_sample_count = 1
        c.sample_count = sampleCount
        c.status = arena.string(status, "status")
        c.quarantine_reason = arena.string(quarantineReason, "quarantine_reason")
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
        if let value = updateStatus {
            c.has_update_status = 1
            c.update_status = Eclm__V1__UpdateStatus(rawValue: UInt32(bitPattern: value.rawValue))
        }
    }
}

extension Wire.GetUpdateResponse {
    /// The message with the fields of a ``Wire/Update``.
    public init(_ update: Wire.Update) {
        self.init()
        updateId = update.updateId
        deviceId = update.deviceId
        model = update.model
        baseRelease = update.baseRelease
        idempotencyKey = update.idempotencyKey
        sampleCount = update.sampleCount
        status = update.status
        quarantineReason = update.quarantineReason
        round = update.round
        release = update.release
        submittedAtUs = update.submittedAtUs
        decidedAtUs = update.decidedAtUs
        modules = update.modules
        updateStatus = update.updateStatus
    }

    /// Its fields as a ``Wire/Update``.
    public var update: Wire.Update {
        var update = Wire.Update()
        update.updateId = updateId
        update.deviceId = deviceId
        update.model = model
        update.baseRelease = baseRelease
        update.idempotencyKey = idempotencyKey
        update.sampleCount = sampleCount
        update.status = status
        update.quarantineReason = quarantineReason
        update.round = round
        update.release = release
        update.submittedAtUs = submittedAtUs
        update.decidedAtUs = decidedAtUs
        update.modules = modules
        update.updateStatus = updateStatus
        return update
    }
}

extension Wire {
    /// The message `eclm.v1.ListUpdatesRequest`.
    public struct ListUpdatesRequest: WireMessage, Hashable {
        /// Field `model`, number 1.
        public var model: String?
        /// Field `device_id`, number 2.
        public var deviceId: String?
        /// pending, aggregated or quarantined. Counts where update_status is absent; clients write both, for old servers.
        public var status: String?
        /// Field `page`, number 4.
        public var page: Page?
        /// Counts before status. Neither: updates of every status.
        public var updateStatus: UpdateStatus?

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

    package init(reading c: Eclm__V1__ListUpdatesRequest) {
        self.init()
        if c.model != nil { model = readString(c.model) }
        if c.device_id != nil { deviceId = readString(c.device_id) }
        if c.status != nil { status = readString(c.status) }
        page = readMessage(c.page)
        if c.has_update_status != 0 { updateStatus = Wire.UpdateStatus(rawValue: Int32(bitPattern: c.update_status.rawValue)) }
    }

    package func fill(_ c: inout Eclm__V1__ListUpdatesRequest, in arena: Arena) {
        if let value = model {
            c.model = arena.string(value, "model")
        }
        if let value = deviceId {
            c.device_id = arena.string(value, "device_id")
        }
        if let value = status {
            c.status = arena.string(value, "status")
        }
        if let value = page {
            c.page = arena.message(value)
        }
        if let value = updateStatus {
            c.has_update_status = 1
            c.update_status = Eclm__V1__UpdateStatus(rawValue: UInt32(bitPattern: value.rawValue))
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

    package init(reading c: Eclm__V1__ListUpdatesResponse) {
        self.init()
        updates = readMessages(c.updates, c.n_updates)
        nextPageToken = readString(c.next_page_token)
    }

    package func fill(_ c: inout Eclm__V1__ListUpdatesResponse, in arena: Arena) {
        c.n_updates = updates.count
        c.updates = arena.messages(updates)
        c.next_page_token = arena.string(nextPageToken, "next_page_token")
    }
}

/// The methods of `eclm.v1.UpdateService`.
public enum UpdateServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.UpdateService"
    /// idempotency_key is the key.
    public static let submit = RemoteMethod<Wire.SubmitRequest, Wire.SubmitResponse>(
        service: name, name: "Submit", repeatability: .idempotentWithKey, roles: [.device], deadline: .milliseconds(30000))
    /// `UpdateService.GetUpdate`
    public static let getUpdate = RemoteMethod<Wire.GetUpdateRequest, Wire.GetUpdateResponse>(
        service: name, name: "GetUpdate", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `UpdateService.ListUpdates`
    public static let listUpdates = RemoteMethod<Wire.ListUpdatesRequest, Wire.ListUpdatesResponse>(
        service: name, name: "ListUpdates", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
}
