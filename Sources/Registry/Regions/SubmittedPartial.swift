import Aggregation
import ECLMCore
import PostgreSQL

/// A region's partial aggregate of one module on its way into the registry: its document was read and checked.
struct SubmittedPartial: Sendable {
    private let digest: Digest
    private let document: [UInt8]
    private let updates: Int

    /// Reads a document and compares it with what the submission says.
    ///
    /// - Parameter version: The base release's.
    /// - Throws: ``RegistryError`` with `notFound` for a document that is not stored, `invalidArgument` for one that is
    ///   none or says something else.
    init(
        _ digest: Digest, of module: UpdateSubmission.Module, onto version: ModuleVersionRecord, from device: String,
        in blobs: any BlobReader
    ) async throws {
        func invalid(_ what: String) -> RegistryError {
            RegistryError(.invalidArgument, "the lineage of \(module.module), \(digest), \(what)")
        }
        guard let size = try await blobs.stat([digest])[digest] else {
            throw RegistryError(
                .notFound, "the lineage of \(module.module), \(digest), is not stored; put the blob first")
        }
        guard size <= PartialLineage.maximumBytes else {
            throw invalid("has \(size) bytes; at most \(PartialLineage.maximumBytes) are taken")
        }
        var document: [UInt8] = []
        for try await chunk in blobs.chunks(of: digest) { document += chunk }
        let lineage = try PartialLineage(document: document)
        guard try lineage.document() == document else {
            throw invalid("is not written with sorted keys and without white space")
        }
        guard lineage.region == device else { throw invalid("is of region \(lineage.region), not of \(device)") }
        guard lineage.file == module.digest else { throw invalid("is of the file \(lineage.file)") }
        guard lineage.base == version.digest else {
            throw invalid("is of a difference to \(lineage.base), not to \(version.digest)")
        }
        guard lineage.kind == version.slot.kind else { throw invalid("is of a module of another kind") }
        guard lineage.importance == module.importance, lineage.sampleCount == module.sampleCount else {
            throw invalid(
                "has inputs of importance \(lineage.importance) and \(lineage.sampleCount) samples; the submission says "
                    + "\(module.importance) and \(module.sampleCount)")
        }
        self.digest = digest
        self.document = document
        updates = lineage.updates
    }

    /// Writes it beside the update's module.
    func insert(update: Int64, module: ModuleID, on connection: PostgresConnection) async throws {
        try await connection.query(
            """
            INSERT INTO eclm.partial_aggregates (update_id, module_id, lineage, document, updates)
            VALUES (\(update), \(module.rawValue), \(digest.bytes), \(JSONText(String(decoding: document, as: UTF8.self))),
                \(Int64(updates)))
            """)
    }
}

extension Registry {
    /// The partial aggregates that a submission brings, by module; none for a device's own update.
    ///
    /// - Parameter versions: The base release's, by module.
    func partials(
        of submission: UpdateSubmission, onto versions: [String: ModuleVersionRecord]
    ) async throws(RegistryError) -> [String: SubmittedPartial] {
        try await registryErrors {
            var partials: [String: SubmittedPartial] = [:]
            for module in submission.modules {
                guard let lineage = module.lineage, let version = versions[module.module] else { continue }
                partials[module.module] = try await SubmittedPartial(
                    lineage, of: module, onto: version, from: submission.deviceID, in: blobs)
            }
            return partials
        }
    }
}
