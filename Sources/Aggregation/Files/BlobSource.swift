public import ECLMCore

/// Reads content-addressed files, wherever they are kept.
public protocol BlobSource: Sendable {
    /// Some bytes of a file, from a position to before another; not verified, since only the whole has a digest.
    ///
    /// - Throws: A ``StoredBytesError`` where the bytes are not there; else what keeps from reading them.
    func bytes(of digest: Digest, in range: Range<Int64>) async throws -> [UInt8]

    /// Calls `body` with the whole file, chunk by chunk in bounded memory, verified: it throws behind the last chunk where
    /// the bytes do not have the digest, so keep nothing before it has returned.
    ///
    /// - Throws: As ``bytes(of:in:)``, and what `body` throws.
    func forEachChunk(of digest: Digest, _ body: ([UInt8]) throws -> Void) async throws
}

/// An error of a ``BlobSource`` that tells whether the bytes themselves are at fault, or only reading them failed.
public protocol StoredBytesError: Error {
    /// Whether the stored bytes are missing or wrong, so that reading them again does not help.
    var isDamage: Bool { get }
    /// What went wrong and what to do next.
    var message: String { get }
}

/// Sizes of what is read at once.
enum Reading {
    /// Bytes of a file that is read by ranges that move on.
    static let stretch = 1 << 20
}
