public import ECLMCore
internal import RegistryProtocol

extension RegistryClient {
    /// Hands in an update whose blobs are at the registry. Safe to repeat with the same key.
    ///
    /// - Throws: ``EdgeError``.
    public func submit(_ draft: UpdateDraft) async throws -> UpdateReceipt {
        try await value(UpdateServiceAPI.submit, draft.message) { try UpdateReceipt($0) }
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
