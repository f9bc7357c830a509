public import ECLMCore
import NIOCore
internal import RegistryProtocol

extension RegistryClient {
    /// Hands in an update whose blobs are at the registry. Safe to repeat with the same key.
    ///
    /// - Throws: ``EdgeError``.
    public func submit(_ draft: UpdateDraft) async throws -> UpdateReceipt {
        try await value(UpdateServiceAPI.submit, draft.message) { try UpdateReceipt($0) }
    }

    /// Hands in an update with the weights of some or all of its modules. The registry takes both or neither.
    ///
    /// - Throws: ``EdgeError``, with `notFound` also where the registry is too old to take weights with an update.
    func submit(_ draft: UpdateDraft, with weights: [TrainedWeights]) async throws -> UpdateReceipt {
        guard !weights.isEmpty else { return try await submit(draft) }
        var request = draft.message
        var attachment = ByteBuffer()
        for weights in weights {
            var blob = Wire.AttachedBlob()
            blob.digest = weights.digest.bytes
            blob.size = weights.bytes
            request.attached.append(blob)
            weights.file.withUnsafeBytes { _ = attachment.writeBytes($0) }
        }
        return try await value(UpdateServiceAPI.submit, request, attachment: attachment) { try UpdateReceipt($0) }
    }

    /// The fate of an update.
    ///
    /// - Throws: ``EdgeError``: `notFound` when there is no such update.
    public func update(_ id: UpdateID) async throws -> UpdateFate {
        var request = Wire.GetUpdateRequest()
        request.updateId = id.rawValue
        return try await value(UpdateServiceAPI.getUpdate, request) { try UpdateFate($0.update) }
    }
}
