import Aggregation
import ECLMCore
import Registry

/// Looks at everything an update brings before any of it is mixed with others: an update counts as a whole or not at all.
///
/// What is wrong in an update is a reason that is returned. What is thrown is the registry's own trouble: then nothing
/// leaves the queue.
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

    /// Makes sure that the stored bytes of every version that the updates are folded onto, or were made from, are whole:
    /// blocks of them are read later without comparing digests.
    ///
    /// - Parameter atOnce: The updates are summed while each file is read whole and compared. Then a version is read in blocks
    ///   where an optimizer goes on from it, or has tensors that are not learned.
    /// - Throws: ``AggregationError`` with `unfitVersion`.
    func checkVersions(atOnce: Bool = false) async throws {
        var all = versions.values.filter { policy.rule.trains($0.slot.kind) } + bases.values
        if atOnce, policy.optimizer == nil {
            all.removeAll { version in version.tensors.allSatisfy { $0.dtype.isFloatingPoint } }
        }
        let distinct = Dictionary(all.map { ($0.digest, $0) }) { first, _ in first }.values
        for version in distinct.sorted(by: { $0.moduleVersionID < $1.moduleVersionID }) {
            try await version.aggregationBase.verify(in: blobs)
        }
    }

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
    /// - Throws: What keeps the trainer from telling, such as a lost database or bytes that are gone; never what the update
    ///   is at fault for.
    func refusal(
        of update: ClaimedUpdate, _ isReadLater: @Sendable (ClaimedUpdate.Module) -> Bool = { _ in false }
    ) async throws -> String? {
        do {
            try checkBase(of: update)
            for module in update.modules { try await check(module, isReadLater(module)) }
            return nil
        } catch let refusal as Refusal {
            return String(refusal.reason.prefix(Self.maximumReason))
        } catch let error as any StoredBytesError where error.isDamage {
            throw RegistryError(
                .dataLoss,
                "what update \(update.updateID) brought cannot be read: \(error.message); no round is made and nothing leaves "
                    + "the queue until the bytes are back; if they are lost for good, take the update out with "
                    + "`registryctl update quarantine \(update.updateID) --reason ...`",
                cause: error)
        }
    }

    private func checkBase(of update: ClaimedUpdate) throws {
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
            if let base = bases[module.baseVersionID], let made = module.baseDigest, made != base.digest {
                throw Refusal(
                    reason:
                        "module \(module.name): it was made from the weights \(made), but version \(base.version) is "
                        + base.digest.description)
            }
            if let partial = module.partial, let obstacle = policy.obstacle(toPartialsBy: partial.rule) {
                throw Refusal(reason: "the partial aggregate of \(module.name) cannot be weighed: \(obstacle)")
            }
            // The registry took it, so a newer program knows it.
            _ = try module.encoding()
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
            throw RegistryError(.dataLoss, "blob \(module.digest) of module \(module.name) is not stored any more")
        }
        guard !isReadLater else { return }
        try await module.file(bases).check(against: version.aggregationBase, in: blobs)
    }
}
