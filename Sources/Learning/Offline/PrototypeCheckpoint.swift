import ECLMCore
import Foundation

/// What tells one making of a prototype from another: a checkpoint only goes on where all of it agrees.
struct PrototypeIdentity: Codable, Hashable {
    /// The layout of the checkpoint's file.
    static let version = 1

    var version = Self.version
    var network: Digest
    var settings: Digest
    var data: Digest
    var seed: UInt64

    init(_ prototype: Prototype) {
        network = Digest.of(prototype.specification.json)
        var settings = prototype.settings
        // How often the state is kept changes nothing of it.
        settings.checkpointSteps = 1
        self.settings = Digest.of(settings.json)
        data = prototype.data.digest
        seed = prototype.seed
    }

    /// What of another identity is not this one's, for people; `nil` when they agree.
    func difference(to other: PrototypeIdentity) -> String? {
        let parts = [
            version == other.version ? nil : "another version of the program",
            network == other.network ? nil : "another network specification",
            settings == other.settings ? nil : "other settings", data == other.data ? nil : "other data",
            seed == other.seed ? nil : "another seed (\(other.seed), not \(seed))",
        ].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

/// How far a prototype is: all that is not a tensor.
///
/// There is no generator's state: the order of an epoch and the noise of a step are drawn from generators that are seeded
/// by seed, stage and place, so that the position says it all.
struct PrototypePosition: Codable, Hashable {
    var stage: PrototypeStage
    /// Steps made in the stage.
    var step = 0
    /// Sums over the examples of the epoch so far.
    var lossSum = 0.0
    var auxiliarySum = 0.0
    var examples = 0.0
    var history = PrototypeHistory()
}

/// The state of a making of a prototype, as a safetensors file: weights, the optimiser's moments, and the position.
struct PrototypeCheckpoint {
    var identity: PrototypeIdentity
    var position: PrototypePosition
    /// Weights under `module/SLOT/TENSOR`, moments under `optimizer/first/N` and `optimizer/second/N`.
    var tensors: [ModuleTensors.Entry]
    var optimizerSteps: Int

    private enum Key {
        static let format = "eclm.checkpoint"
        static let identity: ExactText = "identity"
        static let position: ExactText = "position"
        static let steps: ExactText = "optimizer_steps"
        static let checksum: ExactText = "checksum"
    }

    /// Writes the file; the one before stays until the new one is whole and on disk.
    ///
    /// - Throws: ``LearningError`` with `checkpoint`.
    func write(to path: String) throws {
        do {
            var metadata: [ExactText: String] = [
                "format": Key.format, Key.identity: try Self.text(identity), Key.position: try Self.text(position),
                Key.steps: String(optimizerSteps),
            ]
            let sorted = tensors.sorted { ExactText($0.name) < ExactText($1.name) }
            metadata[Key.checksum] = Self.checksum(metadata, sorted).hex
            try ModuleTensors(sorted).write(to: path, metadata: metadata)
        } catch {
            throw LearningError(
                .checkpoint, "the checkpoint \(path) cannot be written: \(error.explanation)", cause: error)
        }
    }

    /// Reads the file of an identity; `nil` when there is none.
    ///
    /// - Throws: ``LearningError`` with `checkpoint` for a damaged file and for one of another identity.
    static func read(_ path: String, for identity: PrototypeIdentity) throws -> PrototypeCheckpoint? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            let file = try SafetensorsFile(path: path)
            var metadata = file.header.metadata
            guard metadata["format"] == Key.format else { throw damaged(path, "it is another kind of file") }
            let tensors = try ModuleTensors(file).entries.sorted { ExactText($0.name) < ExactText($1.name) }
            let checksum = metadata.removeValue(forKey: Key.checksum)
            guard checksum == Self.checksum(metadata, tensors).hex else { throw damaged(path, "its checksum is wrong") }
            let found: PrototypeIdentity = try value(metadata[Key.identity])
            if let difference = identity.difference(to: found) {
                throw LearningError(
                    .checkpoint,
                    "the checkpoint \(path) was made with \(difference); use those again, or another checkpoint folder")
            }
            guard let steps = metadata[Key.steps].flatMap({ Int($0) }) else { throw damaged(path, "it lacks a number") }
            return PrototypeCheckpoint(
                identity: found, position: try value(metadata[Key.position]), tensors: tensors, optimizerSteps: steps)
        } catch let error as LearningError where error.code == .checkpoint {
            throw error
        } catch {
            throw damaged(path, error.explanation, cause: error)
        }
    }

    private static func damaged(_ path: String, _ reason: String, cause: (any Error)? = nil) -> LearningError {
        LearningError(
            .checkpoint, "the checkpoint \(path) is damaged: \(reason); remove it to start again", cause: cause)
    }

    private static func checksum(_ metadata: [ExactText: String], _ tensors: [ModuleTensors.Entry]) -> Digest {
        var builder = DigestBuilder()
        func add(_ text: String) {
            withUnsafeBytes(of: Int64(text.utf8.count).littleEndian) { builder.update($0) }
            builder.update(Array(text.utf8))
        }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            add(key.string)
            add(value)
        }
        for tensor in tensors {
            add(tensor.name)
            add("\(tensor.shape)")
            tensor.values.withUnsafeBytes { builder.update($0) }
        }
        return builder.finalize()
    }

    private static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func value<T: Decodable>(_ text: String?) throws -> T {
        try JSONReader().decode(of: "the metadata", from: (text ?? "").utf8)
    }
}
