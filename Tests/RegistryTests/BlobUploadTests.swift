import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Uploads of blobs")
struct BlobUploadTests {
    static let mebibyte = 1 << 20

    /// Sends the bytes from `offset` on in parts of `size`.
    func send(
        _ bytes: [UInt8], from offset: Int64 = 0, by size: Int = mebibyte, to upload: BlobUpload, as uploader: String,
        _ store: BlobStore
    ) async throws -> BlobUploadProgress {
        var progress = BlobUploadProgress(received: offset, complete: false)
        let id = try #require(upload.id)
        while progress.received < bytes.count {
            let start = Int(progress.received)
            progress = try await store.append(
                id, offset: progress.received, bytes: Array(bytes[start..<min(start + size, bytes.count)]),
                uploader: uploader)
        }
        return progress
    }

    @Test("An upload in parts becomes a blob with its last part, and not before", arguments: StorageKind.allCases)
    func parts(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, _ in
            let bytes = testBytes(5 * Self.mebibyte + 9)
            let digest = Digest.of(bytes)
            let upload = try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a")
            #expect(!upload.exists && upload.offset == 0 && upload.partMultiple == Int64(Self.mebibyte))
            let first = try await store.append(
                #require(upload.id), offset: 0, bytes: Array(bytes[..<(2 * Self.mebibyte)]), uploader: "a")
            #expect(first == .init(received: Int64(2 * Self.mebibyte), complete: false))
            #expect(try await store.stat([digest]).isEmpty)
            let last = try await send(bytes, from: first.received, by: 3 * Self.mebibyte, to: upload, as: "a", store)
            #expect(last == .init(received: Int64(bytes.count), complete: true))
            #expect(try await store.read(digest, range: 0..<Int64(bytes.count)) == bytes)
            #expect(try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "b").exists)
        }
    }

    @Test("An interrupted upload goes on where it stopped", arguments: StorageKind.allCases)
    func resume(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, _ in
            let bytes = testBytes(3 * Self.mebibyte)
            let digest = Digest.of(bytes)
            let upload = try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a")
            _ = try await store.append(
                #require(upload.id), offset: 0, bytes: Array(bytes[..<Self.mebibyte]), uploader: "a")
            let again = try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a")
            #expect(again.id == upload.id && again.offset == Int64(Self.mebibyte))
            #expect(try await send(bytes, from: again.offset, to: again, as: "a", store).complete)
            #expect(try await store.read(digest, range: 0..<Int64(bytes.count)) == bytes)
        }
    }

    @Test("A part at the wrong offset is refused with the right one, and a repeated part is answered again")
    func offsets() async throws {
        try await withBlobStore(.postgresql) { store, _ in
            let bytes = testBytes(3 * Self.mebibyte)
            let upload = try await store.beginUpload(digest: .of(bytes), size: Int64(bytes.count), uploader: "a")
            let id = try #require(upload.id)
            let part = Array(bytes[..<Self.mebibyte])
            let mark = Int64(Self.mebibyte)
            #expect(try await store.append(id, offset: 0, bytes: part, uploader: "a").received == mark)
            #expect(try await store.append(id, offset: 0, bytes: part, uploader: "a").received == mark)
            let ahead = await #expect(throws: RegistryError.self) {
                try await store.append(id, offset: 2 * mark, bytes: part, uploader: "a")
            }
            #expect(ahead?.code == .failedPrecondition)
            #expect(ahead?.message.contains("offset \(mark)") == true)
            for (offset, count) in [(mark, 17), (mark, 0), (-mark, Self.mebibyte), (2 * mark, 2 * Self.mebibyte)] {
                let error = await #expect(throws: RegistryError.self) {
                    try await store.append(id, offset: offset, bytes: testBytes(count), uploader: "a")
                }
                #expect(error?.code == .invalidArgument, "\(offset) \(count)")
            }
            let huge = await #expect(throws: RegistryError.self) {
                try await store.append(id, offset: .max, bytes: part, uploader: "a")
            }
            #expect(huge?.code == .invalidArgument)
        }
    }

    @Test("Bytes with another digest are discarded with both digests named", arguments: StorageKind.allCases)
    func wrongDigest(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(Self.mebibyte + 1)
            let wanted = Digest.of([1])
            let upload = try await store.beginUpload(digest: wanted, size: Int64(bytes.count), uploader: "a")
            let error = await #expect(throws: RegistryError.self) {
                try await send(bytes, to: upload, as: "a", store)
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("\(Digest.of(bytes))") == true)
            #expect(error?.message.contains("\(wanted)") == true)
            #expect(try await count("eclm.blob_uploads", database) == 0)
            #expect(try await count("eclm.blob_chunks", database) == 0)
            #expect(try await store.stat([wanted, .of(bytes)]).isEmpty)
            let again = try await store.beginUpload(digest: wanted, size: Int64(bytes.count), uploader: "a")
            #expect(again.id != upload.id && again.offset == 0)
        }
    }

    @Test("An upload belongs to who began it: to anybody else there is none")
    func ownership() async throws {
        try await withBlobStore(.postgresql) { store, _ in
            let bytes = testBytes(10)
            let upload = try await store.beginUpload(digest: .of(bytes), size: 10, uploader: "device:a")
            let error = await #expect(throws: RegistryError.self) {
                try await send(bytes, to: upload, as: "device:b", store)
            }
            #expect(error?.code == .notFound)
            let own = try await store.beginUpload(digest: .of(bytes), size: 10, uploader: "device:b")
            #expect(own.id != upload.id)
            #expect(try await send(bytes, to: own, as: "device:b", store).complete)
            #expect(try await send(bytes, to: upload, as: "device:a", store).complete)
        }
    }

    @Test("Uploads of one digest by many at once all complete, and one blob is left", arguments: StorageKind.allCases)
    func concurrent(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(2 * Self.mebibyte + 3)
            let digest = Digest.of(bytes)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<5 {
                    group.addTask {
                        let uploader = "device:\(number)"
                        let upload = try await store.beginUpload(
                            digest: digest, size: Int64(bytes.count), uploader: uploader)
                        if upload.exists { return true }
                        return try await send(bytes, to: upload, as: uploader, store).complete
                    }
                }
                for try await complete in group { #expect(complete) }
            }
            #expect(try await store.read(digest, range: 0..<Int64(bytes.count)) == bytes)
            #expect(try await count("eclm.blob_uploads", database) == 0)
            #expect(try await count("eclm.blob_chunks", database) == (kind == .postgresql ? 3 : 0))
        }
    }

    @Test("A size that changed its mind starts the upload anew")
    func changedSize() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let bytes = testBytes(2 * Self.mebibyte)
            let wrong = try await store.beginUpload(digest: .of(bytes), size: 5 << 20, uploader: "a")
            _ = try await store.append(
                #require(wrong.id), offset: 0, bytes: Array(bytes[..<Self.mebibyte]), uploader: "a")
            let right = try await store.beginUpload(digest: .of(bytes), size: Int64(bytes.count), uploader: "a")
            #expect(right.id != wrong.id && right.offset == 0)
            #expect(try await count("eclm.blob_chunks", database) == 0)
            #expect(try await send(bytes, to: right, as: "a", store).complete)
        }
    }

    @Test("Sizes, names and numbers of uploads have limits")
    func limits() async throws {
        var limits = BlobLimits()
        limits.maximumSize = 1000
        limits.maximumUploads = 2
        try await withBlobStore(.postgresql, limits: limits) { store, _ in
            for (size, uploader) in [
                (0, "a"), (1001, "a"), (-1, "a"), (1, ""), (1, String(repeating: "a", count: 257)),
            ] {
                let error = await #expect(throws: RegistryError.self) {
                    try await store.beginUpload(digest: .of([1]), size: Int64(size), uploader: uploader)
                }
                #expect(error?.code == .invalidArgument)
            }
            for seed in 1...2 as ClosedRange<UInt8> {
                _ = try await store.beginUpload(digest: .of([seed]), size: 1, uploader: "a")
            }
            let full = await #expect(throws: RegistryError.self) {
                try await store.beginUpload(digest: .of([3]), size: 1, uploader: "a")
            }
            #expect(full?.code == .resourceExhausted)
            #expect(try await store.beginUpload(digest: .of([2]), size: 1, uploader: "a").exists == false)
            #expect(try await store.beginUpload(digest: .of([3]), size: 1, uploader: "b").exists == false)
        }
    }

    @Test("Uploads that nobody goes on with are swept, and the others stay", arguments: StorageKind.allCases)
    func sweep(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(2 * Self.mebibyte)
            let old = try await store.beginUpload(digest: .of(bytes), size: Int64(bytes.count), uploader: "old")
            _ = try await store.append(
                #require(old.id), offset: 0, bytes: Array(bytes[..<Self.mebibyte]), uploader: "old")
            try await database.pool.query("UPDATE eclm.blob_uploads SET updated_at = updated_at - interval '25 hours'")
            let new = try await store.beginUpload(digest: .of(bytes), size: Int64(bytes.count), uploader: "new")
            #expect(try await store.sweepUploads() == 1)
            #expect(try await count("eclm.blob_uploads", database) == 1)
            #expect(try await count("eclm.blob_chunks", database) == 0)
            if let directory = store.storage as? DirectoryBlobStorage {
                let files = FileManager.default.subpaths(atPath: directory.root) ?? []
                #expect(!files.contains { $0.contains(Digest.of(bytes).hex) })
            }
            #expect(try await send(bytes, to: new, as: "new", store).complete)
        }
    }

    @Test("A device's and a publisher's login can upload, and a reader's cannot", arguments: TestRole.allCases)
    func roles(role: TestRole) async throws {
        try await withDatabase { database in
            try await database.withPool(as: role) { pool in
                let store = BlobStore(pool: pool)
                let bytes = testBytes(100)
                if [.superuser, .device, .publisher, .region].contains(role) {
                    let upload = try await store.beginUpload(digest: .of(bytes), size: 100, uploader: "a")
                    #expect(try await send(bytes, to: upload, as: "a", store).complete)
                    #expect(try await store.read(.of(bytes), range: 1..<3) == Array(bytes[1..<3]))
                    #expect(try await store.beginUpload(digest: .of(bytes), size: 100, uploader: "b").exists)
                    try await store.sweepUploads(olderThan: .zero)
                } else {
                    let error = await #expect(throws: RegistryError.self) {
                        try await store.beginUpload(digest: .of(bytes), size: 100, uploader: "a")
                    }
                    #expect(error?.code == .permissionDenied)
                }
                if role == .trainer {
                    try await store.put(bytes, digest: .of(bytes))
                    try await store.put(bytes, digest: .of(bytes))
                }
            }
        }
    }

    private func count(_ table: String, _ database: TestDatabase) async throws -> Int {
        try await database.pool.query("SELECT count(*) AS n FROM \(raw: table)").one().decode("n")
    }
}
