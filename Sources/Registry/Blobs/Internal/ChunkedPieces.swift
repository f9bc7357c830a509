import ECLMCore
import Synchronization

/// What a stream of pieces amounted to: the digest and the number of the bytes.
///
/// A class, so that it can be read after the storage has consumed the stream.
final class BlobTally: Sendable {
    private struct State {
        var hash = DigestBuilder()
        var count: Int64 = 0
    }
    private let state = Mutex(State())
    private let limit: Int64

    /// Fails beyond `limit` bytes, so that an endless source fills no disk.
    init(limit: Int64) { self.limit = limit }

    func add(_ bytes: [UInt8]) throws(RegistryError) {
        let total = state.withLock { state in
            state.count += Int64(bytes.count)
            if state.count <= limit { state.hash.update(bytes) }
            return state.count
        }
        guard total <= limit else {
            throw RegistryError(.invalidArgument, "the blob was announced with \(limit) bytes and came with more")
        }
    }

    var result: (digest: Digest, count: Int64) {
        state.withLock { ($0.hash.finalize(), $0.count) }
    }
}

/// Pieces of any size cut anew into chunks of exactly ``BlobLayout/chunkSize`` bytes, but for the last.
struct ChunkedPieces<Source: AsyncSequence & Sendable>: AsyncSequence, Sendable where Source.Element == [UInt8] {
    typealias Element = ArraySlice<UInt8>

    let source: Source
    /// Told of every piece, in order.
    let tally: BlobTally

    func makeAsyncIterator() -> Iterator { Iterator(source: source.makeAsyncIterator(), tally: tally) }

    struct Iterator: AsyncIteratorProtocol {
        var source: Source.AsyncIterator
        let tally: BlobTally
        private var rest: ArraySlice<UInt8> = []

        init(source: Source.AsyncIterator, tally: BlobTally) {
            self.source = source
            self.tally = tally
        }

        mutating func next() async throws -> ArraySlice<UInt8>? {
            let size = BlobLayout.chunkSize
            while rest.count < size, let piece = try await source.next() {
                guard !piece.isEmpty else { continue }
                try tally.add(piece)
                if rest.isEmpty { rest = piece[...] } else { rest.append(contentsOf: piece) }
            }
            guard !rest.isEmpty else { return nil }
            let chunk = rest.prefix(size)
            rest = rest.dropFirst(size)
            return chunk
        }
    }
}

/// A sequence of one piece.
struct SinglePiece: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    let bytes: [UInt8]

    func makeAsyncIterator() -> Iterator { Iterator(bytes: bytes) }

    struct Iterator: AsyncIteratorProtocol {
        var bytes: [UInt8]?

        mutating func next() async -> [UInt8]? {
            defer { bytes = nil }
            return bytes
        }
    }
}

/// A part that is in memory, chunk by chunk.
struct MemoryChunks: AsyncSequence, Sendable {
    typealias Element = ArraySlice<UInt8>
    let bytes: [UInt8]

    func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...]) }

    struct Iterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UInt8>

        mutating func next() async -> ArraySlice<UInt8>? {
            guard !rest.isEmpty else { return nil }
            let chunk = rest.prefix(BlobLayout.chunkSize)
            rest = rest.dropFirst(BlobLayout.chunkSize)
            return chunk
        }
    }
}
