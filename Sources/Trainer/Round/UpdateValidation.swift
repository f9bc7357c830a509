import Aggregation
import ECLMCore
import Registry

/// Looks at everything an update brings before any of it is mixed with others: an update counts as a whole or not at all.
struct UpdateValidation {
    typealias Refusal = UpdateFile.Refusal

    /// The longest reason written to the database, in characters.
    static let maximumReason = 1000

    let blobs: any BlobReader
    /// The versions that the round starts from.
    let versions: [ModuleID: ModuleVersionRecord]
    /// The versions that differences are told to.
    let bases: [ModuleVersionID: ModuleVersionRecord]
    /// What the round starts from.
    let base: RoundBase
    /// What it goes by.
    let policy: RoundPolicy

    /// Updates that are looked at at once: hashing one keeps a core busy.
    private static let readers = max(2, Parallel.cores)

    /// Why updates must be quarantined: those that are not in it count.
    ///
    /// - Throws: As ``refusal(of:_:)``.
    func refusals(of updates: [ClaimedUpdate]) async throws -> [UpdateID: String] {
        try await withThrowingTaskGroup(of: (UpdateID, String?).self) { group in
            var refusals: [UpdateID: String] = [:]
            for (number, update) in updates.enumerated() {
                if number >= Self.readers, let (id, reason) = try await group.next() { refusals[id] = reason }
                group.addTask { (update.updateID, try await refusal(of: update)) }
            }
            while let (id, reason) = try await group.next() { refusals[id] = reason }
            return refusals
        }
    }

    /// Why the update must be quarantined; `nil` when it counts.
    ///
    /// - Parameter isReadLater: Whether the blob of a module is not to be looked at here.
    /// - Throws: What keeps the trainer from telling, such as a lost database; never what the update is at fault for.
    func refusal(
        of update: ClaimedUpdate, _ isReadLater: @Sendable (ClaimedUpdate.Module) -> Bool = { _ in false }
    ) async throws -> String? {
        do {
            try checkBase(of: update)
            for module in update.modules { try await check(module, isReadLater(module)) }
            return nil
        } catch let refusal as Refusal {
            return String(refusal.reason.prefix(Self.maximumReason))
        }
    }

    private func checkBase(of update: ClaimedUpdate) throws(Refusal) {
        guard !update.baseWithdrawn else {
            throw Refusal(reason: "base release \(update.baseRelease) was rolled back")
        }
        if let maximumStaleness = policy.maximumStaleness, base.staleness(of: update) > maximumStaleness {
            throw Refusal(
                reason: "base release \(update.baseRelease) is \(base.staleness(of: update)) releases behind release "
                    + "\(base.number); the policy takes at most \(maximumStaleness)")
        }
        guard !update.modules.isEmpty else { throw Refusal(reason: "it brings no module") }
        for module in update.modules {
            guard !module.baseWithdrawn else {
                throw Refusal(reason: "base version \(module.baseVersion) of \(module.name) was rolled back")
            }
            if let partial = module.partial, let obstacle = policy.obstacle(toPartialsBy: partial.rule) {
                throw Refusal(reason: "the partial aggregate of \(module.name) cannot be weighed: \(obstacle)")
            }
            guard UpdateEncoding(rawValue: module.encodingName) != nil else {
                throw Refusal(
                    reason: "module \(module.name): encoding \(module.encodingName) is not known to this trainer")
            }
            guard module.importance.isFinite, module.importance >= 0 else {
                throw Refusal(
                    reason: "module \(module.name): importance \(module.importance) is no finite number of at least 0")
            }
            guard module.sampleCount > 0 else {
                throw Refusal(reason: "module \(module.name): sample count \(module.sampleCount) is below 1")
            }
        }
    }

    /// Reads the whole blob: its digest, header and every value.
    private func check(_ module: ClaimedUpdate.Module, _ isReadLater: Bool) async throws {
        guard let version = versions[module.moduleID] else {
            throw Refusal(reason: "module \(module.name) is in no release any more")
        }
        guard module.size != nil else {
            throw Refusal(reason: "module \(module.name): blob \(module.digest) is not stored")
        }
        guard !isReadLater else { return }
        try await module.file(bases).check(against: version.aggregationBase, in: blobs)
    }
}
