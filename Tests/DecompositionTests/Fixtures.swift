import Decomposition
import ECLMCore
import Foundation

/// A small checkpoint with one feed-forward block of 3 -> 5 -> 2, and its specification in pieces.
enum Small {
    static func checkpoint(_ change: (inout SafetensorsBuilder) throws -> Void = { _ in }) throws -> SafetensorsFile {
        var builder = SafetensorsBuilder()
        try builder.add("embed", shape: [4, 3], floats: [Float](repeating: 0.5, count: 12))
        try builder.add("up.w", shape: [5, 3], floats: (0..<15).map { Float($0) / 8 - 1 })
        try builder.add("up.b", shape: [5], floats: [0.5, -0.5, 0.25, 0, 1])
        try builder.add("down.w", shape: [2, 5], floats: (0..<10).map { 1 - Float($0) / 4 })
        try builder.add("down.b", shape: [2], floats: [10, -10])
        try change(&builder)
        return try SafetensorsFile(bytes: try builder.build())
    }

    static let up = #"{"weight": "up.w", "bias": "up.b"}"#
    static let down = #"{"weight": "down.w", "bias": "down.b"}"#

    static func layer(
        name: String = "block", up: String = up, down: String = down, modules: Int = 2, more: String = ""
    ) -> String {
        #"{"name": "\#(name)", "block": "feed_forward", "up": \#(up), "down": \#(down), "activation": "relu", "#
            + #""modules": \#(modules)\#(more)}"#
    }

    static func specification(
        layers: String = layer(), shared: String = #"{"rest": "stem"}"#, more: String = ""
    ) -> String {
        #"{"model": "small", "summary": "s", "layers": [\#(layers)], "shared": \#(shared)\#(more)}"#
    }

    static func decomposer(_ json: String = specification()) throws -> Decomposer {
        Decomposer(try DecompositionSpecification(json: Array(json.utf8)))
    }
}

/// Keeps blobs in memory, by digest and in the order they came.
actor MemorySink: BlobSink {
    private(set) var blobs: [Digest: [UInt8]] = [:]
    private(set) var order: [Digest] = []

    func put(_ bytes: [UInt8], digest: Digest) async throws {
        blobs[digest] = bytes
        order.append(digest)
    }
}

/// Takes a few blobs and then refuses.
actor FullSink: BlobSink {
    struct Full: Error {}
    private var room: Int
    init(room: Int) { self.room = room }

    func put(_ bytes: [UInt8], digest: Digest) async throws {
        guard room > 0 else { throw Full() }
        room -= 1
    }
}
