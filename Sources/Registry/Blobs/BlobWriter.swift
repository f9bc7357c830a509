public import ECLMCore
public import Foundation
public import PostgreSQL

/// Brings content-addressed bytes in. A blob is visible as a whole and verified, or not at all.
public protocol BlobWriter: Sendable {
    /// Stores a small blob at once. A blob that exists already is left as it is.
    /// - Throws: ``RegistryError`` `.invalidArgument` where the bytes do not have the digest or are too many.
    func put(_ bytes: [UInt8], digest: Digest) async throws(RegistryError)

    /// Stores a blob within the caller's transaction, so that it becomes visible together with what refers to it.
    ///
    /// `source` may yield pieces of any size. Where the blob exists already, `source` is not read, and the blob cannot be
    /// collected before the transaction's end. To store several blobs in one transaction, go in ascending order of digests:
    /// then no two such transactions wait for each other.
    /// - Parameter connection: the one inside the caller's transaction.
    /// - Returns: whether the bytes were stored now; `false` where they were there.
    /// - Throws: ``RegistryError`` `.invalidArgument` where the bytes do not have the digest or the size; the transaction
    ///   must then be given up. What `source` throws comes as the error's cause.
    @discardableResult
    func write<Source: AsyncSequence & Sendable>(
        _ source: Source, digest: Digest, size: Int64, on connection: PostgresConnection
    ) async throws(RegistryError) -> Bool where Source.Element == [UInt8]

    /// Begins to upload a blob in parts, or finds the upload that `uploader` began earlier and tells where to go on.
    /// - Parameters:
    ///   - size: the blob's bytes, at least 1.
    ///   - uploader: who may go on with the upload, such as `device:NAME`; at most 256 bytes.
    /// - Throws: ``RegistryError`` `.invalidArgument` for a size that is not allowed, `.resourceExhausted` where `uploader`
    ///   has too many uploads under way.
    func beginUpload(digest: Digest, size: Int64, uploader: String) async throws(RegistryError) -> BlobUpload

    /// Takes one part of an upload. With the last part the whole is verified and becomes visible.
    ///
    /// A part that was received already is answered with the current position.
    /// - Returns: how many bytes were received so far, and whether that is all of them.
    /// - Throws: ``RegistryError`` `.notFound` where `uploader` has no such upload (expired, complete or somebody else's),
    ///   `.failedPrecondition` telling the right offset, `.invalidArgument` for a part of a wrong size, or where all bytes
    ///   together do not have the digest: the upload is then discarded.
    func append(
        _ upload: UUID, offset: Int64, bytes: [UInt8], uploader: String
    ) async throws(RegistryError) -> BlobUploadProgress

    /// Discards uploads to which nothing was added for `age`.
    /// - Returns: how many.
    @discardableResult
    func sweepUploads(olderThan age: Duration) async throws(RegistryError) -> Int
}

extension BlobWriter {
    /// Stores bytes that are in memory within the caller's transaction; see ``write(_:digest:size:on:)``.
    @discardableResult
    public func write(
        _ bytes: [UInt8], digest: Digest, on connection: PostgresConnection
    ) async throws(RegistryError) -> Bool {
        try await write(SinglePiece(bytes: bytes), digest: digest, size: Int64(bytes.count), on: connection)
    }
}

/// An upload under way, or word that there is nothing to upload.
public struct BlobUpload: Sendable, Hashable {
    /// The upload's name in later calls; `nil` where ``exists``.
    public var id: UUID?
    /// Whether the blob is there already.
    public var exists: Bool
    /// Bytes received so far: where to go on.
    public var offset: Int64
    /// A part's size must be a multiple of this, but for the last.
    public var partMultiple = Int64(BlobLayout.chunkSize)
    /// The most bytes one part may have.
    public var partMaximum: Int64

    public init(id: UUID?, exists: Bool, offset: Int64, partMaximum: Int64) {
        self.id = id
        self.exists = exists
        self.offset = offset
        self.partMaximum = partMaximum
    }
}

/// How far an upload is.
public struct BlobUploadProgress: Sendable, Hashable {
    /// Bytes received so far.
    public var received: Int64
    /// Whether the blob is whole, verified and visible.
    public var complete: Bool

    public init(received: Int64, complete: Bool) {
        self.received = received
        self.complete = complete
    }
}
