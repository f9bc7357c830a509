import ECLMCore
import PostgreSQL
import Registry

/// Finds updates that bring a file which another update brought before: the work of one device counts once, whoever
/// submits it.
///
/// The unchanged base version is nobody's work, and is no duplicate.
struct DuplicateCheck {
    private struct File: Hashable {
        var module: ModuleID
        var digest: Digest
    }

    /// The first update with a file among those that count.
    private var first: [File: UpdateID] = [:]
    private var bases: [ModuleVersionID: Digest] = [:]

    /// Looks for the updates' files among those of all rounds so far.
    init(of updates: [ClaimedUpdate], on connection: PostgresConnection) async throws {
        let earlier = try await connection.query(
            """
            SELECT um.module_id, um.digest, min(e.update_id) AS update_id
            FROM eclm.update_modules um
            JOIN eclm.update_modules e ON e.digest = um.digest AND e.module_id = um.module_id
            JOIN eclm.updates u ON u.update_id = e.update_id AND u.status = 'aggregated'
            WHERE um.update_id = ANY (\(updates.map(\.updateID.rawValue)))
            GROUP BY um.module_id, um.digest
            """)
        for row in earlier {
            first[File(module: ModuleID(try row.decode("module_id")), digest: try row.digest("digest"))] =
                UpdateID(try row.decode("update_id"))
        }
        let versions = Set(updates.flatMap { $0.modules.map(\.baseVersionID.rawValue) }).sorted()
        let rows = try await connection.query(
            "SELECT module_version_id, digest FROM eclm.module_versions WHERE module_version_id = ANY (\(versions))")
        for row in rows {
            bases[ModuleVersionID(try row.decode("module_version_id"))] = try row.digest("digest")
        }
    }

    /// Why the update must be quarantined; `nil` when all it brings is new.
    func refusal(of update: ClaimedUpdate) -> String? {
        for file in files(of: update) {
            guard let other = first[File(module: file.moduleID, digest: file.digest)] else { continue }
            return "module \(file.name): update \(other) brought the same file before"
        }
        return nil
    }

    /// The update counts: whoever brings one of its files after it does not.
    mutating func accept(_ update: ClaimedUpdate) {
        for file in files(of: update) { first[File(module: file.moduleID, digest: file.digest)] = update.updateID }
    }

    private func files(of update: ClaimedUpdate) -> [ClaimedUpdate.Module] {
        update.modules.filter { bases[$0.baseVersionID] != $0.digest }
    }
}
