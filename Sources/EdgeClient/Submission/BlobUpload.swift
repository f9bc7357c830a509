public import ECLMCore
public import NIOCore
import RPC
internal import RegistryProtocol

/// Sends one blob, part by part, going on where an earlier attempt stopped.
struct BlobUpload: Sendable {
    let digest: Digest
    let size: Int64
    let registry: RegistryClient
    /// Reads a range of the blob.
    let read: @Sendable (Range<Int64>) async throws -> ByteBuffer

    /// How often an upload may begin anew before it gives up: connections break, and servers forget uploads.
    private static var maximumBeginnings: Int { 8 }

    /// Sends what the registry lacks.
    ///
    /// - Returns: The bytes sent; 0 when the registry has the blob.
    /// - Throws: ``EdgeError``.
    func run(chunkBytes: Int, onBytes: (Int64) -> Void) async throws -> Int64 {
        var sent: Int64 = 0
        var reported: Int64 = 0
        func report(_ position: Int64) {
            onBytes(position - reported)
            reported = position
        }
        var beginnings = 0
        var furthest: Int64 = -1
        while true {
            var begin = Wire.BeginPutRequest()
            begin.digest = digest.bytes
            begin.size = size
            let state = try await registry.call(BlobServiceAPI.beginPut, begin)
            if state.exists {
                report(size)
                return sent
            }
            guard (0...size).contains(state.offset), !state.uploadId.isEmpty else {
                throw EdgeError(.registryFailed, "BlobService.BeginPut wants bytes from \(state.offset) of \(size)")
            }
            // Only beginnings that bring nothing further count.
            beginnings = state.offset > furthest ? 1 : beginnings + 1
            furthest = max(furthest, state.offset)
            report(state.offset)
            let part = try Self.partBytes(chunkBytes, multiple: state.partMultiple, maximum: state.partMaximum)
            do {
                var offset = state.offset
                while true {
                    let range = offset..<min(size, offset + part)
                    let answer = try await put(range, state.uploadId)
                    sent += Int64(range.count)
                    report(answer.received)
                    if answer.complete { return sent }
                    guard answer.received > offset, answer.received <= size else {
                        throw EdgeError(
                            .registryFailed,
                            "BlobService.Put has received \(answer.received) bytes of \(digest), not more")
                    }
                    offset = answer.received
                }
            } catch let error as EdgeError where Self.mayBeginAgain(error) && beginnings < Self.maximumBeginnings {
                // The part may have arrived though its answer did not, or somebody else sends the same blob: the
                // registry knows where to go on.
                try await pause(beginnings)
            }
        }
    }

    private func put(_ range: Range<Int64>, _ upload: String) async throws -> Wire.PutResponse {
        var request = Wire.PutRequest()
        request.uploadId = upload
        request.offset = range.lowerBound
        return try await registry.exchange(BlobServiceAPI.put, request, attachment: try await read(range)).message
    }

    private func pause(_ attempt: Int) async throws {
        do {
            try await Task.sleep(for: registry.retry.backoff.pause(afterFailures: attempt))
        } catch {
            throw EdgeError(.cancelled, "the upload of \(digest) was given up", cause: error)
        }
    }

    /// Where the registry's idea of the upload may differ from ours, asking it again settles that.
    private static func mayBeginAgain(_ error: EdgeError) -> Bool {
        guard let status = (error.cause as? RPCError)?.status else { return false }
        return [.outOfRange, .failedPrecondition, .notFound, .aborted, .connectionClosed, .timedOut].contains(status)
    }

    private static func partBytes(_ wanted: Int, multiple: Int64, maximum: Int64) throws(EdgeError) -> Int64 {
        let unit = max(1, multiple)
        let limit = maximum > 0 ? maximum : Int64(wanted)
        guard unit <= limit || maximum == 0 else {
            throw EdgeError(
                .registryFailed, "the registry takes parts of a multiple of \(unit), but at most \(limit) bytes")
        }
        return max(unit, min(Int64(wanted), limit) / unit * unit)
    }
}

extension BlobUpload {
    /// An upload of a file.
    init(file: SafetensorsFile, digest: Digest, registry: RegistryClient) {
        self.init(digest: digest, size: Int64(file.header.byteCount), registry: registry) { range in
            file.withUnsafeBytes { ByteBuffer(bytes: $0[Int(range.lowerBound)..<Int(range.upperBound)]) }
        }
    }
}

extension RegistryClient {
    /// Sends a blob, unless the registry has it, going on where an earlier attempt stopped.
    ///
    /// - Parameters:
    ///   - chunkBytes: The bytes of a part, as far as the registry takes such parts.
    ///   - read: Reads a range of the blob.
    /// - Returns: The bytes sent.
    /// - Throws: ``EdgeError``, and what `read` throws.
    @discardableResult
    public func upload(
        _ digest: Digest, size: Int64, chunkBytes: Int = TransferLimits().chunkBytes,
        _ read: @escaping @Sendable (Range<Int64>) async throws -> ByteBuffer
    ) async throws -> Int64 {
        try await BlobUpload(digest: digest, size: size, registry: self, read: read).run(chunkBytes: chunkBytes) { _ in
        }
    }

    /// The bytes of a range of a blob; they are not verified: only the whole has a digest.
    ///
    /// - Throws: ``EdgeError``.
    public func bytes(of digest: Digest, _ range: Range<Int64>) async throws -> ByteBuffer {
        try await BlobSource(digest: digest, registry: self).bytes(exactly: range)
    }
}
