import ECLMCore
import Foundation
import RPC
import Testing

@testable import EdgeClient

/// A directory of its own, a server with blobs in memory, and clients of it.
final class Fixture: Sendable {
    let directory: String
    let service = BlobServiceDouble()
    let server: RPCServer
    private let ownsDirectory: Bool

    init(directory: String? = nil) throws {
        self.directory = directory ?? NSTemporaryDirectory() + "eclm-edge-\(UUID().uuidString)"
        ownsDirectory = directory == nil
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        server = try RPCServer(services: [service])
    }

    deinit {
        if ownsDirectory { try? FileManager.default.removeItem(atPath: directory) }
    }

    /// Small chunks, so that small blobs take several.
    static let limits = TransferLimits(chunkBytes: 1000, chunksInFlight: 3, blobsInFlight: 2, blobBytes: 10_000_000)
    static let retry = RPCRetryPolicy(
        deadline: .seconds(10), attemptTimeout: .seconds(5),
        backoff: Backoff(first: .milliseconds(1), longest: .milliseconds(5)))

    func registry(_ retry: RPCRetryPolicy = Fixture.retry) -> RegistryClient {
        RegistryClient(InProcessCaller(server: server), retry: retry)
    }

    func cache(_ limits: TransferLimits = Fixture.limits) throws -> BlobCache {
        try BlobCache(path: directory + "/cache", limits: limits)
    }

    func client() throws -> EdgeClient {
        try EdgeClient(registry: registry(), state: StateDirectory(path: directory), limits: Self.limits)
    }

    /// Bytes that repeat with no period of a chunk.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    func contents(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    func write(_ bytes: [UInt8], to path: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        try Data(bytes).write(to: URL(filePath: path))
    }
}

/// Expects an ``EdgeError`` of a kind and returns it.
@discardableResult
func expectEdgeError(
    _ code: EdgeError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws -> EdgeError {
    let error = await #expect(throws: EdgeError.self, sourceLocation: sourceLocation) { try await body() }
    let found = try #require(error, sourceLocation: sourceLocation)
    #expect(found.code == code, "\(found.message)", sourceLocation: sourceLocation)
    return found
}

/// A little file system of its own, where the tests may mount one.
final class Tmpfs {
    let path: String

    init?(bytes: Int) {
        path = NSTemporaryDirectory() + "eclm-tmpfs-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Self.run("mount", "-t", "tmpfs", "-o", "size=\(bytes)", "tmpfs", path) else {
            try? FileManager.default.removeItem(atPath: path)
            return nil
        }
    }

    deinit {
        _ = Self.run("umount", path)
        try? FileManager.default.removeItem(atPath: path)
    }

    static let isAvailable = Tmpfs(bytes: 65_536) != nil

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
