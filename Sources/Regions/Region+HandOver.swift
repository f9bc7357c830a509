import ECLMCore
import EdgeClient
import Logging
import NIOCore
import RPC
import Registry

extension Region {
    /// The most hand-overs that are read at once.
    private static let batch = 64

    /// Hands over what waits, and learns what became of what the parent took.
    ///
    /// Safe to repeat: a round has one idempotency key and one content, so it is one update of the parent.
    /// - Returns: How many could not be handed over now.
    /// - Throws: `RegistryError` where this registry fails.
    @discardableResult
    public func handOver() async throws -> Int {
        var left = 0
        var last: RoundID?
        while true {
            let records = try await registry.openHandOvers(after: last, limit: Self.batch)
            for record in records {
                last = record.roundID
                do {
                    if record.state == .waiting { try await submit(record) } else { try await ask(record) }
                } catch let error as EdgeError {
                    try Task.checkCancellation()
                    if Self.isFinal(error) {
                        try await registry.settleHandOver(
                            record.roundID, .refused, update: nil, reason: error.message, as: provenance("refused"))
                        logger.error("round refused by the parent", metadata: metadata(record, error.message))
                    } else {
                        left += 1
                        try await registry.postponeHandOver(record.roundID, reason: error.message)
                        logger.warning("round not handed over", metadata: metadata(record, error.message))
                    }
                } catch let error as RegistryError where [.dataLoss, .notFound].contains(error.code) {
                    // What is lost here holds up this round alone.
                    left += 1
                    try await registry.postponeHandOver(record.roundID, reason: error.message)
                    logger.error("round not handed over", metadata: metadata(record, error.message))
                }
            }
            if records.count < Self.batch { return left }
        }
    }

    private func submit(_ record: HandOverRecord) async throws {
        let receipt = try await send(record)
        try await registry.settleHandOver(
            record.roundID, .taken, update: receipt.updateID, reason: nil,
            as: provenance("taken by the parent"))
        logger.info("round handed over", metadata: metadata(record, "update \(receipt.updateID)"))
    }

    /// The parent's versions of the release that a round's differences are told to.
    ///
    /// - Throws: `EdgeError`, for good where the parent has the model and not the release: it was restored from a backup
    ///   before it, and gives the number to no other.
    private func bases(of record: HandOverRecord) async throws -> [String: RegistryModuleVersion] {
        do {
            return try await parentVersions(record.parentRelease, of: record.model)
        } catch let error as EdgeError where error.code == .notFound {
            _ = try await parent.model(record.model)
            throw EdgeError(
                .refused,
                "\(parentName) has no release \(record.parentRelease) of \(record.model) any more: it was restored from a "
                    + "backup before it, or is another registry",
                cause: RPCError(.failedPrecondition, error.message))
        }
    }

    private func send(_ record: HandOverRecord) async throws -> UpdateReceipt {
        let versions = try await bases(of: record)
        var draft = UpdateDraft(
            deviceID: name, model: record.model, baseRelease: Int32(clamping: record.parentRelease),
            idempotencyKey: record.idempotencyKey, sampleCount: record.sampleCount, modules: [])
        for module in record.modules {
            guard let version = versions[module.module], version.digest == module.base else {
                throw EdgeError(
                    .refused,
                    "release \(record.parentRelease) of \(parentName) has other weights of \(module.module) than its mirror",
                    cause: RPCError(.failedPrecondition, "the mirror is of another registry"))
            }
            for digest in [module.digest, module.lineage] { try await send(digest) }
            draft.modules.append(
                UpdateDraft.Module(
                    module: module.module, baseVersion: version.version, digest: module.digest, encoding: .delta,
                    importance: module.importance, sampleCount: module.sampleCount, lineage: module.lineage,
                    base: module.base))
        }
        return try await parent.submit(draft)
    }

    private func send(_ digest: Digest) async throws {
        let blobs = registry.blobs
        guard let size = try await blobs.stat([digest])[digest] else {
            throw RegistryError(
                .dataLoss, "blob \(digest) of a round is not stored any more; restore it from a backup or a replica")
        }
        try await parent.upload(digest, size: size) { ByteBuffer(bytes: try await blobs.read(digest, range: $0)) }
    }

    private func ask(_ record: HandOverRecord) async throws {
        guard let id = record.parentUpdateID else { return }
        let update: UpdateFate
        do {
            update = try await parent.update(id)
        } catch let error as EdgeError where error.code == .notFound {
            // The parent was restored from a backup before it took the update.
            var forgotten = record
            forgotten.modules = try await registry.modules(ofHandOver: record.roundID)
            let receipt = try await send(forgotten)
            try await registry.retakeHandOver(
                record.roundID, update: receipt.updateID,
                as: provenance("\(parentName) had forgotten update \(id)"))
            logger.warning("round handed over again", metadata: metadata(record, "update \(receipt.updateID)"))
            return
        }
        let state: HandOverRecord.State =
            switch update.status {
            case .aggregated: .aggregated
            case .quarantined: .quarantined
            case .pending: .taken
            }
        try await registry.settleHandOver(
            record.roundID, state, update: id, reason: state == .quarantined ? update.quarantineReason : nil,
            as: provenance("update \(id) of \(parentName) is \(update.status.rawValue)"))
    }

    /// Whether the parent would say the same for ever.
    private static func isFinal(_ error: EdgeError) -> Bool {
        guard let status = (error.cause as? RPCError)?.status else { return false }
        return [.invalidArgument, .failedPrecondition, .alreadyExists].contains(status)
    }

    private func metadata(_ record: HandOverRecord, _ detail: String) -> Logger.Metadata {
        ["model": "\(record.model)", "round": "\(record.round)", "detail": "\(detail)"]
    }
}
