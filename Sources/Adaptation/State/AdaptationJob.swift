import ECLMCore
import EdgeClient
import Learning

/// An adaptation under way: the file `job.json`. What a crash leaves behind says where to go on.
struct AdaptationJob: Codable, Sendable {
    /// How far it is.
    enum Stage: String, Codable, Sendable {
        /// The sub-model is in `base/`.
        case composed
        /// The trained weights are in `trained/`, complete and on the disk; the update may or may not have been submitted.
        case trained
    }

    /// Names the job and, with its prefix, its update: the same key is the same update.
    var id: String
    var stage: Stage
    /// What was asked, and of which data: another question is another job.
    var fingerprint: Digest
    var release: Int32
    var importances: [[Double]]
    /// What the modules cost this device.
    var held: [HeldModule]
    var shared: Budget
    var encoding: UpdateEncoding
    var fraction: Double

    var idempotencyKey: String { "adapt-\(id)" }

    static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<16).flatMap { _ in
            withUnsafeBytes(of: generator.next() as UInt64) { Array($0) }
        }
        return String(Digest.of(bytes).hex.prefix(32))
    }
}

extension AdaptationRequest {
    /// What the outcome depends on: everything of the request, and the data.
    func fingerprint(of data: TrainingData) throws -> Digest {
        var builder = DigestBuilder()
        struct Question: Encodable {
            var model: String
            var channel: String
            var budget: Budget
            var minimumPerLayer: Int32
            var training: LocalTrainingSettings
            var seed: UInt64
            var encoding: UpdateEncoding
            var fraction: Double
            var submits: Bool
            var shape: [Int]
            var labels: [Int]
        }
        let question = Question(
            model: model, channel: channel, budget: budget, minimumPerLayer: minimumPerLayer, training: training,
            seed: seed, encoding: encoding, fraction: fraction, submits: submits, shape: data.shape,
            labels: data.labels)
        try JSONFile.bytes(question).withUnsafeBytes { builder.update($0) }
        data.values.withUnsafeBytes { builder.update($0) }
        return builder.finalize()
    }
}
