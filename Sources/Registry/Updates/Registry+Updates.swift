import Aggregation
public import ECLMCore
import PostgreSQL

extension Registry {
    /// Takes a device's update into the queue of the trainer.
    ///
    /// Idempotent: the same key with the same content is the update that was taken before, whatever became of it. The
    /// blobs must be stored before, or come with it and are stored in its transaction. Shapes are checked here, values by
    /// the trainer.
    ///
    /// - Parameter attached: Weights of the submission's modules; none of anything else.
    /// - Throws: `invalidArgument` for malformed submissions and weights, and for a difference that does not name its base;
    ///   `notFound` for an unknown device, model, module or blob; `alreadyExists` for a key that was used with other content;
    ///   `failedPrecondition` for a base that was rolled back, is not here, or has other weights than the update names.
    public func submit(
        _ submission: UpdateSubmission, attached: BlobBatch = BlobBatch()
    ) async throws(RegistryError) -> SubmissionResult {
        try submission.check()
        try check(attached, of: submission)
        if let known = try await replay(of: submission) { return known }
        let base = try await base(of: submission)
        try await checkWeights(of: submission, attached, against: base)
        let partials = try await partials(of: submission, onto: base.modules)
        do {
            return try await insert(submission, attached, partials, onto: base)
        } catch  where error.code == .alreadyExists {
            // Two of the same at once: the other one was first.
            if let known = try await replay(of: submission) { return known }
            throw error
        }
    }

    private func check(_ attached: BlobBatch, of submission: UpdateSubmission) throws(RegistryError) {
        try blobs.check(attached)
        let named = Set(submission.modules.map(\.digest))
        if let digest = attached.contents.keys.first(where: { !named.contains($0) }) {
            throw RegistryError(.invalidArgument, "no module of the update has the attached weights \(digest)")
        }
    }

    private func replay(of submission: UpdateSubmission) async throws(RegistryError) -> SubmissionResult? {
        try await registryErrors {
            let rows = try await pool.query(
                """
                SELECT update_id, content_digest, status::text AS status FROM eclm.updates
                WHERE device_id = \(submission.deviceID) AND idempotency_key = \(submission.idempotencyKey)
                """)
            guard let row = rows.first else { return nil }
            guard try row.digest("content_digest") == submission.contentDigest else {
                throw RegistryError(
                    .alreadyExists,
                    "idempotency key \(submission.idempotencyKey.debugDescription) was used by device "
                        + "\(submission.deviceID) for another update; choose a new key for new content")
            }
            let id: Int64 = try row.decode("update_id")
            let others: Int64 = try await pool.query(
                """
                SELECT count(*) FROM unnest(\(submission.modules.map(\.module)), \(submission.modules.map(\.digest.bytes)))
                    AS s (name, digest)
                WHERE NOT EXISTS (SELECT FROM eclm.update_modules um JOIN eclm.modules m USING (module_id)
                    WHERE um.update_id = \(id) AND m.name = s.name AND um.digest = s.digest)
                """
            ).one().decode(0)
            return SubmissionResult(
                updateID: UpdateID(id), replayed: true, encodedOtherwise: others > 0, status: try row.updateStatus())
        }
    }

    /// What the base release says of the modules that the update brings.
    private struct Base {
        var modelID: ModelID
        var releaseID: ReleaseID
        var modules: [String: ModuleVersionRecord]
    }

    private func base(of submission: UpdateSubmission) async throws(RegistryError) -> Base {
        let release = try await baseRelease(of: submission)
        guard !release.withdrawn else {
            throw RegistryError(
                .failedPrecondition,
                "base release \(release.number) of \(submission.model) was rolled back; pull the channel's release "
                    + "and train that")
        }
        return try await registryErrors {
            let rows = try await pool.query(
                """
                \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
                JOIN eclm.release_modules rm ON rm.module_version_id = v.module_version_id
                WHERE rm.release_id = \(release.releaseID.rawValue) AND m.name = ANY (\(submission.modules.map(\.module)))
                """)
            var modules: [String: ModuleVersionRecord] = [:]
            for row in rows {
                let record = try ModuleVersionRecord(row)
                modules[record.module] = record
            }
            let modelID = try await modelID(submission.model)
            return Base(modelID: modelID, releaseID: release.releaseID, modules: modules)
        }
    }

    private func baseRelease(of submission: UpdateSubmission) async throws(RegistryError) -> ReleaseRecord {
        do {
            return try await release(of: submission.model, .number(submission.baseRelease))
        } catch  where error.code == .notFound {
            // Without the model there is nothing to pull either.
            _ = try await registryErrors { try await modelID(submission.model) }
            throw RegistryError(
                .failedPrecondition,
                "there is no release \(submission.baseRelease) of \(submission.model): another registry made it, or this one "
                    + "was restored from a backup before it; pull the channel's release and train that")
        }
    }

    /// Refuses a base that has other weights than those that the update was made from.
    private func checkBase(of module: UpdateSubmission.Module, _ version: ModuleVersionRecord) throws(RegistryError) {
        // The document of a partial aggregate names its base, and is compared with it.
        guard let base = module.base else {
            guard module.encoding.isDifference, module.lineage == nil else { return }
            throw RegistryError(
                .invalidArgument,
                "the \(module.encoding.rawValue) of \(module.module) does not name the weights that it was made from, so it "
                    + "cannot be told whether version \(version.version) has them; update the client, or send full weights"
            )
        }
        guard base == version.digest else {
            throw RegistryError(
                .failedPrecondition,
                "the update of \(module.module) was made from the weights \(base), but version \(version.version) here is "
                    + "\(version.digest): another registry made them, or this one was restored from a backup; pull the "
                    + "channel's release and train that")
        }
    }

    private func checkWeights(
        of submission: UpdateSubmission, _ attached: BlobBatch, against base: Base
    ) async throws(RegistryError) {
        var sizes = attached.contents.mapValues { Int64($0.count) }
        let stored = Set(submission.modules.map(\.digest)).subtracting(sizes.keys)
        if !stored.isEmpty { sizes.merge(try await blobs.stat(Array(stored))) { own, _ in own } }
        let inspection = BlobInspection(blobs: blobs, known: attached.contents)
        for module in submission.modules {
            guard let version = base.modules[module.module] else {
                throw RegistryError(
                    .notFound,
                    "release \(submission.baseRelease) of \(submission.model) has no module "
                        + module.module.debugDescription)
            }
            try checkBase(of: module, version)
            guard version.version == module.baseVersion else {
                throw RegistryError(
                    .invalidArgument,
                    "release \(submission.baseRelease) has version \(version.version) of \(module.module), "
                        + "the update says version \(module.baseVersion)")
            }
            guard !version.withdrawn else {
                throw RegistryError(
                    .failedPrecondition,
                    "version \(version.version) of \(module.module) was rolled back; pull the channel's release and "
                        + "train that")
            }
            guard let size = sizes[module.digest] else {
                throw RegistryError(
                    .notFound, "the weights of \(module.module), \(module.digest), are not stored; put the blob first")
            }
            let header = try await inspection.header(of: module.digest, size: size, owner: module.module)
            do {
                try TensorMatch.check(
                    header.tensors, as: module.encoding, against: version.tensors,
                    owner: module.module)
            } catch {
                throw RegistryError(.invalidArgument, error.message, cause: error)
            }
        }
    }

    private func insert(
        _ submission: UpdateSubmission, _ attached: BlobBatch, _ partials: [String: SubmittedPartial], onto base: Base
    ) async throws(RegistryError) -> SubmissionResult {
        let metrics: JSONText
        do {
            metrics = JSONText(try CanonicalJSON.string(submission.metrics))
        } catch {
            throw RegistryError(.invalidArgument, "the metrics cannot be written as JSON", cause: error)
        }
        let modules = submission.modules.sorted { $0.module < $1.module }
        return try await transaction(
            as: Provenance(actor: submission.deviceID), telling: { _ in [.updates(base.modelID)] }
        ) { connection in
            let bytes = try await blobs.write(attached, on: connection)
            let versions = modules.compactMap { base.modules[$0.module] }
            let row = try await connection.query(
                """
                WITH submitted AS (
                    INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest,
                        sample_count, metrics)
                    SELECT device_id, \(base.modelID.rawValue), \(base.releaseID.rawValue),
                        \(submission.idempotencyKey), \(submission.contentDigest.bytes), \(submission.sampleCount),
                        \(metrics)
                    FROM eclm.devices WHERE device_id = \(submission.deviceID)
                    RETURNING update_id
                ), trained AS (
                    INSERT INTO eclm.update_modules (update_id, model_id, module_id, base_version_id, digest, encoding,
                        importance, sample_count, base_digest)
                    SELECT s.update_id, \(base.modelID.rawValue), m.module, m.base, m.digest, m.encoding, m.importance,
                        m.samples, nullif(m.base_digest, ''::bytea)
                    FROM submitted s, unnest(\(versions.map(\.moduleID.rawValue)),
                        \(versions.map(\.moduleVersionID.rawValue)), \(modules.map(\.digest.bytes)),
                        \(modules.map(\.encoding.rawValue)), \(modules.map(\.importance)),
                        \(modules.map(\.sampleCount)), \(zip(modules, versions).map(Self.baseDigest)))
                        AS m (module, base, digest, encoding, importance, samples, base_digest)
                )
                SELECT update_id FROM submitted
                """
            ).oneOrNone()
            guard let row else { throw Self.noSuchDevice(submission.deviceID) }
            let id: Int64 = try row.decode("update_id")
            for (module, version) in zip(modules, versions) {
                try await partials[module.module]?.insert(update: id, module: version.moduleID, on: connection)
            }
            return SubmissionResult(updateID: UpdateID(id), replayed: false, status: .pending, storedBytes: bytes)
        }
    }

    /// What an update's module says of its base; empty where it says nothing.
    private static func baseDigest(of module: UpdateSubmission.Module, _ version: ModuleVersionRecord) -> [UInt8] {
        (module.base ?? (module.lineage == nil ? nil : version.digest))?.bytes ?? []
    }

    /// One update and its fate.
    public func update(_ id: UpdateID) async throws(RegistryError) -> UpdateRecord {
        try await registryErrors {
            let rows = try await pool.query("\(UpdateRecord.select) WHERE u.update_id = \(id.rawValue)")
            guard let row = rows.first else { throw RegistryError(.notFound, "there is no update \(id)") }
            return try UpdateRecord(row)
        }
    }

    /// Updates, newest first; of one model, device or status, or of all.
    public func updates(
        of model: String? = nil, device: String? = nil, status: UpdateStatus? = nil, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<UpdateRecord> {
        var conditions: [SQL] = ["u.update_id < \(try page.numberToken() ?? .max)"]
        if let model { conditions.append("u.model_id = (SELECT model_id FROM eclm.models WHERE name = \(model))") }
        if let device { conditions.append("u.device_id = \(device)") }
        // As a constant, so that the index of the few that are pending serves.
        if let status { conditions.append("u.status = '\(raw: status.rawValue)'") }
        let condition = conditions.joined(separator: " AND ")
        return try await registryErrors {
            let rows = try await pool.query(
                """
                \(UpdateRecord.select) WHERE \(condition)
                ORDER BY u.update_id DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(UpdateRecord.init), size: page.size) { $0.updateID.description }
        }
    }

    /// The rounds of a model, newest first.
    public func rounds(of model: String, page: PageRequest = .first) async throws(RegistryError) -> Page<RoundRecord> {
        let before = try page.numberToken().map { Int32(clamping: $0) } ?? .max
        return try await registryErrors {
            let modelID = try await modelID(model)
            let rows = try await pool.query(
                """
                \(RoundRecord.select) WHERE r.model_id = \(modelID.rawValue) AND r.number < \(before)
                ORDER BY r.number DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(RoundRecord.init), size: page.size) { String($0.number) }
        }
    }
}
