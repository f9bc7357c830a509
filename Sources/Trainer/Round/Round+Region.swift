import Aggregation
import ECLMCore
import PostgreSQL
import Registry

extension Round {
    /// What a region's round made of one module.
    struct Partial: Sendable {
        /// The version that the difference is told to.
        var base: ModuleVersionRecord
        var lineage: PartialLineage
        /// The digest of the lineage's document.
        var document: Digest
    }

    /// Makes the partial aggregates of the modules that the accepted updates trained, and stores them and their documents.
    ///
    /// - Throws: ``RegistryError``; `failedPrecondition` where the channel's release mirrors none of the parent's.
    func partials(
        of accepted: [ClaimedUpdate], onto base: RoundBase, _ versions: [ModuleID: ModuleVersionRecord],
        _ bases: [ModuleVersionID: ModuleVersionRecord], _ policy: RoundPolicy, _ region: String,
        on connection: PostgresConnection, into outcome: inout RoundOutcome
    ) async throws -> [Partial] {
        let mirror = try await connection.query(
            "SELECT FROM eclm.mirrored_releases WHERE release_id = \(base.releaseID.rawValue)")
        guard !mirror.isEmpty else { throw noMirror(base) }
        outcome.updates = accepted.map(\.updateID)
        let maker = PartialMaker(
            aggregation: ModuleAggregation(blobs: registry.blobs, rule: policy.rule, blockMemory: blockMemory),
            region: region, updates: accepted, sources: try accepted.sources(bases, since: base), bases: bases)
        var partials: [Partial] = []
        for version in versions.values.sorted(by: { $0.moduleID < $1.moduleID }) {
            guard let (file, lineage) = try await maker.partial(onto: version) else { continue }
            let document = try lineage.document()
            let name = Digest.of(document)
            try await registry.blobs.write(file, digest: lineage.file, on: connection)
            try await registry.blobs.write(document, digest: name, on: connection)
            outcome.bytes += Int64(file.count)
            partials.append(Partial(base: version, lineage: lineage, document: name))
        }
        return partials
    }

    /// The channel points to something that the parent knows nothing of.
    func noMirror(_ base: RoundBase) -> RegistryError {
        let message =
            "channel \(channel) of \(model) points to release \(base.number), which mirrors no release of the parent: a "
            + "region publishes nothing of its own; wait until the parent's is mirrored, or move the channel back"
        return RegistryError(.failedPrecondition, message, cause: TrainerError(.registryUnfit, message))
    }
}

extension RoundCommit {
    /// Writes what waits to be handed over to the parent. The channel stays: it follows the parent's.
    ///
    /// - Throws: ``RegistryError`` with `failedPrecondition` where the channel's release mirrors none of the parent's.
    func insertHandOver(
        _ partials: [Round.Partial], of updates: [UpdateID], _ roundID: RoundID, _ number: Int, region: String
    ) async throws {
        // Made of the content, so that a region that was set up anew under the same name uses no key twice.
        var key = DigestBuilder()
        key.update(Array("\(region) \(round.model) \(number)".utf8))
        for partial in partials { key.update(partial.document.bytes) }
        let inserted = try await connection.query(
            """
            INSERT INTO eclm.hand_overs (round_id, model_id, region, parent_release, idempotency_key, sample_count, state)
            SELECT \(roundID.rawValue), \(base.modelID.rawValue), \(region), max(mr.parent_release),
                \("round-\(number)-" + key.finalize().hex),
                (SELECT sum(u.sample_count)::bigint FROM eclm.updates u WHERE u.update_id = ANY (\(updates.map(\.rawValue)))),
                \(partials.isEmpty ? "empty" : "waiting")
            FROM eclm.mirrored_releases mr WHERE mr.release_id = \(base.releaseID.rawValue) HAVING count(*) > 0
            """
        ).rowsAffected
        guard inserted == 1 else { throw round.noMirror(base) }
        try await connection.query(
            """
            INSERT INTO eclm.partials (round_id, module_id, base_version_id, digest, lineage, importance, sample_count, updates)
            SELECT \(roundID.rawValue), * FROM unnest(\(partials.map(\.base.moduleID.rawValue)),
                \(partials.map(\.base.moduleVersionID.rawValue)), \(partials.map(\.lineage.file.bytes)),
                \(partials.map(\.document.bytes)), \(partials.map(\.lineage.importance)),
                \(partials.map(\.lineage.sampleCount)), \(partials.map { Int64($0.lineage.updates) }))
            """)
    }
}

/// Makes partial aggregates of a round's updates, for the round and for its replay.
struct PartialMaker: Sendable {
    let aggregation: ModuleAggregation
    let region: String
    /// In ascending order.
    let updates: [ClaimedUpdate]
    /// What is mixed, module by module, in the order of the updates.
    let sources: [ModuleID: [RoundSource]]
    /// The versions that differences are told to.
    let bases: [ModuleVersionID: ModuleVersionRecord]

    /// The region's difference to a version; `nil` where nobody trained the module, or the rule does not.
    func partial(onto version: ModuleVersionRecord) async throws -> (file: [UInt8], lineage: PartialLineage)? {
        guard aggregation.rule.trains(version.slot.kind), let sources = sources[version.moduleID], !sources.isEmpty
        else { return nil }
        let aggregate = try await aggregation.partial(sources.map(\.source), onto: version.aggregationBase)
        var inputs: [PartialLineage.Input] = []
        for update in updates {
            guard let module = update.modules.first(where: { $0.moduleID == version.moduleID }) else { continue }
            let encoding = try module.encoding()
            inputs.append(
                PartialLineage.Input(
                    name: update.updateID.description, file: module.digest, encoding: encoding,
                    base: encoding.isDifference ? bases[module.baseVersionID]?.digest : nil,
                    importance: module.importance, sampleCount: module.sampleCount,
                    weight: aggregate.weights[inputs.count], updates: module.partial?.updates ?? 1,
                    lineage: module.partial?.lineage))
        }
        let lineage = PartialLineage(
            region: region, rule: aggregation.rule.name, kind: version.slot.kind, base: version.digest,
            file: Digest.of(aggregate.file), inputs: inputs)
        try lineage.check()
        return (aggregate.file, lineage)
    }
}

extension RoundPolicy {
    /// Refuses a policy whose round a region cannot do its part of.
    ///
    /// - Throws: ``RegistryError`` with `failedPrecondition`, with a ``TrainerError`` as cause: no update is at fault.
    func checkMakesPartials(of model: String) throws(RegistryError) {
        let obstacle =
            optimizer.map { "a server optimizer (\($0.name)) is the root's alone" } ?? obstacle(toPartialsBy: rule.name)
        guard let obstacle else { return }
        let message =
            "a region cannot aggregate \(model) by its policy: \(obstacle); set another policy here and at the parent, "
            + "or aggregate all updates in one place"
        throw RegistryError(.failedPrecondition, message, cause: TrainerError(.registryUnfit, message))
    }

    /// Why partial aggregates of a rule cannot be weighed as the updates in them would be; `nil` where they can.
    func obstacle(toPartialsBy name: String) -> String? {
        guard rule.mergesPartials else { return "rule \(rule.name) must see every update by itself" }
        guard rule.name == name else { return "it was made by \(name), the round follows \(rule.name)" }
        if privacy != nil { return "a private round clips each update by itself" }
        if clipNorm != nil { return "clip_norm is told of each update's difference, not of a region's" }
        if normThreshold != nil { return "norm_z compares single updates, not regions" }
        if refusesDuplicates { return "refuse_duplicates compares single updates, not regions" }
        return nil
    }
}
