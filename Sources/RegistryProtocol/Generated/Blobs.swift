// swift-format-ignore-file
// Generated from proto/blobs.proto by `make proto`; do not edit.

package import CProtocol

extension Wire {
    /// The message `eclm.v1.StatRequest`.
    public struct StatRequest: WireMessage, Hashable {
        /// Field `digests`, number 1.
        public var digests: [[UInt8]] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.StatRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.StatRequest" }

    package static func emptyStruct() -> Eclm__V1__StatRequest {
        var empty = Eclm__V1__StatRequest()
        eclm__v1__stat_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__StatRequest) {
        self.init()
        digests = readByteStrings(c.digests, c.n_digests)
    }

    package func fill(_ c: inout Eclm__V1__StatRequest, in arena: Arena) {
        c.n_digests = digests.count
        c.digests = arena.byteStrings(digests)
    }
}

extension Wire {
    /// The message `eclm.v1.BlobInfo`.
    public struct BlobInfo: WireMessage, Hashable {
        /// Field `digest`, number 1.
        public var digest: [UInt8] = []
        /// Field `size`, number 2.
        public var size: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.BlobInfo: CBackedMessage {
    package static var wireName: String { "eclm.v1.BlobInfo" }

    package static func emptyStruct() -> Eclm__V1__BlobInfo {
        var empty = Eclm__V1__BlobInfo()
        eclm__v1__blob_info__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__BlobInfo) {
        self.init()
        digest = readBytes(c.digest)
        size = c.size
    }

    package func fill(_ c: inout Eclm__V1__BlobInfo, in arena: Arena) {
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.has_size = 1
        c.size = size
    }
}

extension Wire {
    /// The blobs that exist, of those asked for.
    public struct StatResponse: WireMessage, Hashable {
        /// Field `blobs`, number 1.
        public var blobs: [BlobInfo] = []

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.StatResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.StatResponse" }

    package static func emptyStruct() -> Eclm__V1__StatResponse {
        var empty = Eclm__V1__StatResponse()
        eclm__v1__stat_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__StatResponse) {
        self.init()
        blobs = readMessages(c.blobs, c.n_blobs)
    }

    package func fill(_ c: inout Eclm__V1__StatResponse, in arena: Arena) {
        c.n_blobs = blobs.count
        c.blobs = arena.messages(blobs)
    }
}

extension Wire {
    /// length 0: to the end, or as much as one answer holds. The bytes are the attachment.
    public struct GetBlobRequest: WireMessage, Hashable {
        /// Field `digest`, number 1.
        public var digest: [UInt8] = []
        /// Field `offset`, number 2.
        public var offset: Int64 = 0
        /// Field `length`, number 3.
        public var length: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetBlobRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetBlobRequest" }

    package static func emptyStruct() -> Eclm__V1__GetBlobRequest {
        var empty = Eclm__V1__GetBlobRequest()
        eclm__v1__get_blob_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetBlobRequest) {
        self.init()
        digest = readBytes(c.digest)
        offset = c.offset
        length = c.length
    }

    package func fill(_ c: inout Eclm__V1__GetBlobRequest, in arena: Arena) {
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.has_offset = 1
        c.offset = offset
        c.has_length = 1
        c.length = length
    }
}

extension Wire {
    /// The message `eclm.v1.GetBlobResponse`.
    public struct GetBlobResponse: WireMessage, Hashable {
        /// Field `size`, number 1.
        public var size: Int64 = 0
        /// Field `offset`, number 2.
        public var offset: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.GetBlobResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.GetBlobResponse" }

    package static func emptyStruct() -> Eclm__V1__GetBlobResponse {
        var empty = Eclm__V1__GetBlobResponse()
        eclm__v1__get_blob_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__GetBlobResponse) {
        self.init()
        size = c.size
        offset = c.offset
    }

    package func fill(_ c: inout Eclm__V1__GetBlobResponse, in arena: Arena) {
        c.has_size = 1
        c.size = size
        c.has_offset = 1
        c.offset = offset
    }
}

extension Wire {
    /// The message `eclm.v1.BeginPutRequest`.
    public struct BeginPutRequest: WireMessage, Hashable {
        /// Field `digest`, number 1.
        public var digest: [UInt8] = []
        /// Field `size`, number 2.
        public var size: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.BeginPutRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.BeginPutRequest" }

    package static func emptyStruct() -> Eclm__V1__BeginPutRequest {
        var empty = Eclm__V1__BeginPutRequest()
        eclm__v1__begin_put_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__BeginPutRequest) {
        self.init()
        digest = readBytes(c.digest)
        size = c.size
    }

    package func fill(_ c: inout Eclm__V1__BeginPutRequest, in arena: Arena) {
        c.has_digest = 1
        c.digest = arena.bytes(digest)
        c.has_size = 1
        c.size = size
    }
}

extension Wire {
    /// The message `eclm.v1.BeginPutResponse`.
    public struct BeginPutResponse: WireMessage, Hashable {
        /// True when the blob is there already: nothing to put.
        public var exists: Bool = false
        /// Field `upload_id`, number 2.
        public var uploadId: String = ""
        /// Where to go on: bytes received so far.
        public var offset: Int64 = 0
        /// A part's size must be a multiple of this, but for the last.
        public var partMultiple: Int64 = 0
        /// The most bytes one part may have.
        public var partMaximum: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.BeginPutResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.BeginPutResponse" }

    package static func emptyStruct() -> Eclm__V1__BeginPutResponse {
        var empty = Eclm__V1__BeginPutResponse()
        eclm__v1__begin_put_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__BeginPutResponse) {
        self.init()
        exists = c.exists != 0
        uploadId = readString(c.upload_id)
        offset = c.offset
        partMultiple = c.part_multiple
        partMaximum = c.part_maximum
    }

    package func fill(_ c: inout Eclm__V1__BeginPutResponse, in arena: Arena) {
        c.has_exists = 1
        c.exists = exists ? 1 : 0
        c.upload_id = arena.string(uploadId, "upload_id")
        c.has_offset = 1
        c.offset = offset
        c.has_part_multiple = 1
        c.part_multiple = partMultiple
        c.has_part_maximum = 1
        c.part_maximum = partMaximum
    }
}

extension Wire {
    /// The part's bytes are the attachment.
    public struct PutRequest: WireMessage, Hashable {
        /// Field `upload_id`, number 1.
        public var uploadId: String = ""
        /// Field `offset`, number 2.
        public var offset: Int64 = 0

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.PutRequest: CBackedMessage {
    package static var wireName: String { "eclm.v1.PutRequest" }

    package static func emptyStruct() -> Eclm__V1__PutRequest {
        var empty = Eclm__V1__PutRequest()
        eclm__v1__put_request__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__PutRequest) {
        self.init()
        uploadId = readString(c.upload_id)
        offset = c.offset
    }

    package func fill(_ c: inout Eclm__V1__PutRequest, in arena: Arena) {
        c.upload_id = arena.string(uploadId, "upload_id")
        c.has_offset = 1
        c.offset = offset
    }
}

extension Wire {
    /// The message `eclm.v1.PutResponse`.
    public struct PutResponse: WireMessage, Hashable {
        /// Field `received`, number 1.
        public var received: Int64 = 0
        /// Field `complete`, number 2.
        public var complete: Bool = false

        /// The message with every field at its default.
        public init() {}
    }
}

extension Wire.PutResponse: CBackedMessage {
    package static var wireName: String { "eclm.v1.PutResponse" }

    package static func emptyStruct() -> Eclm__V1__PutResponse {
        var empty = Eclm__V1__PutResponse()
        eclm__v1__put_response__init(&empty)
        return empty
    }

    package init(reading c: Eclm__V1__PutResponse) {
        self.init()
        received = c.received
        complete = c.complete != 0
    }

    package func fill(_ c: inout Eclm__V1__PutResponse, in arena: Arena) {
        c.has_received = 1
        c.received = received
        c.has_complete = 1
        c.complete = complete ? 1 : 0
    }
}

/// The methods of `eclm.v1.BlobService`.
public enum BlobServiceAPI {
    /// The service's full name on the wire.
    public static let name = "eclm.v1.BlobService"
    /// `BlobService.Stat`
    public static let stat = RemoteMethod<Wire.StatRequest, Wire.StatResponse>(
        service: name, name: "Stat", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// `BlobService.Get`
    public static let get = RemoteMethod<Wire.GetBlobRequest, Wire.GetBlobResponse>(
        service: name, name: "Get", repeatability: .idempotent, roles: [.reader], deadline: .milliseconds(30000))
    /// The digest is the key: the same upload goes on.
    public static let beginPut = RemoteMethod<Wire.BeginPutRequest, Wire.BeginPutResponse>(
        service: name, name: "BeginPut", repeatability: .idempotentWithKey, roles: [.device, .publisher], deadline: .milliseconds(30000))
    /// Upload and offset are the key: of a part that is there already the answer is the position.
    public static let put = RemoteMethod<Wire.PutRequest, Wire.PutResponse>(
        service: name, name: "Put", repeatability: .idempotentWithKey, roles: [.device, .publisher], deadline: .milliseconds(30000))
}
