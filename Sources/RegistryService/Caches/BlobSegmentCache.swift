import ECLMCore
import NIOCore
import Registry
import Synchronization

/// Keeps what devices fetch in memory, segment by segment; answers are slices of it.
///
/// Two generations stand in for a least-recently-used list: a hit in the old one moves to the young, and when the young
/// one is full it becomes the old. Every operation is O(1), and memory stays below the capacity plus one segment.
final class BlobSegmentCache: Sendable {
    /// Bytes of a segment; an answer never crosses one, so that it is always a slice.
    static let segmentSize: Int64 = 8 * 1024 * 1024

    private struct Key: Hashable {
        var digest: Digest
        var segment: Int64
    }

    private struct State {
        var young: [Key: ByteBuffer] = [:]
        var old: [Key: ByteBuffer] = [:]
        var youngBytes = 0
        var sizes: [Digest: Int64] = [:]
        var loading: [Key: Task<ByteBuffer, any Error>] = [:]
    }

    /// Sizes remembered before the memory of them is dropped; an entry takes some 50 bytes.
    private static let maximumSizes = 100_000

    private let blobs: any BlobReader
    private let generationBytes: Int
    private let state = Mutex(State())

    init(blobs: any BlobReader, capacity: Int) {
        self.blobs = blobs
        generationBytes = capacity / 2
    }

    /// The size of a blob.
    func size(of digest: Digest) async throws -> Int64 {
        if let size = state.withLock({ $0.sizes[digest] }) { return size }
        guard let size = try await blobs.stat([digest])[digest] else {
            throw RegistryError(.notFound, "there is no blob \(digest)")
        }
        state.withLock { state in
            if state.sizes.count >= Self.maximumSizes { state.sizes = [:] }
            state.sizes[digest] = size
        }
        return size
    }

    /// The bytes from `offset` to the end of its segment, at most `length`.
    func read(_ digest: Digest, size: Int64, offset: Int64, length: Int64) async throws -> ByteBuffer {
        let segment = offset / Self.segmentSize
        let start = segment * Self.segmentSize
        let end = min(start + Self.segmentSize, size)
        let whole = try await load(Key(digest: digest, segment: segment), range: start..<end)
        let count = Int(min(length, end - offset))
        guard let slice = whole.getSlice(at: whole.readerIndex + Int(offset - start), length: count) else {
            throw RegistryError(.dataLoss, "blob \(digest) is shorter than its size says; verify the database")
        }
        return slice
    }

    private func load(_ key: Key, range: Range<Int64>) async throws -> ByteBuffer {
        if let held = state.withLock({ hit(key, in: &$0) }) { return held }
        let task = state.withLock { state -> Task<ByteBuffer, any Error> in
            if let task = state.loading[key] { return task }
            // Not a child of this call: others wait for it too, and a caller that gives up must not fail them.
            let task = Task { [blobs] in
                defer { self.state.withLock { $0.loading[key] = nil } }
                let buffer = ByteBuffer(bytes: try await blobs.read(key.digest, range: range))
                self.state.withLock { insert(buffer, key, in: &$0) }
                return buffer
            }
            state.loading[key] = task
            return task
        }
        return try await task.value
    }

    private func hit(_ key: Key, in state: inout State) -> ByteBuffer? {
        if let buffer = state.young[key] { return buffer }
        guard let buffer = state.old.removeValue(forKey: key) else { return nil }
        insert(buffer, key, in: &state)
        return buffer
    }

    private func insert(_ buffer: ByteBuffer, _ key: Key, in state: inout State) {
        guard buffer.readableBytes <= generationBytes else { return }
        if state.youngBytes + buffer.readableBytes > generationBytes {
            state.old = state.young
            state.young = [:]
            state.youngBytes = 0
        }
        state.young[key] = buffer
        state.youngBytes += buffer.readableBytes
    }
}
