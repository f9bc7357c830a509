import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// Finds updates that change a module far more than the fleet does.
///
/// An update's norm is that of its difference to the version that it was trained from, over the module's floating-point
/// values: an update on an older release is not blamed for what others changed meanwhile. It is compared with the norms of
/// the round's updates of the module and, where those are few, of the newest that were counted before.
struct NormCheck {
    /// Fewer norms tell nothing: then no update is refused for its norm.
    static let minimumPopulation = 8
    /// Norms below which earlier updates are looked at, too.
    static let wantedPopulation = 24

    let aggregation: ModuleAggregation
    /// The versions that the round starts from.
    let versions: [ModuleID: ModuleVersionRecord]
    /// The highest score that counts.
    let threshold: Double
    let connection: PostgresConnection

    /// The updates that must be quarantined, with the reasons.
    ///
    /// - Parameter updates: Those whose content was found right.
    func refusals(of updates: [ClaimedUpdate]) async throws -> [UpdateID: String] {
        var refusals: [UpdateID: String] = [:]
        let bases = try await RoundBase.differenceBases(of: updates, all: true, on: connection)
        for version in versions.values.sorted(by: { $0.moduleID < $1.moduleID })
        where aggregation.rule.trains(version.slot.kind) {
            let norms = try await aggregation.norms(of: updates, version, bases)
            guard !norms.isEmpty else { continue }
            var population = norms.map(\.value)
            if population.count < Self.wantedPopulation {
                let earlier = try await earlier(version, Self.wantedPopulation - population.count)
                population += try await earlierNorms(of: earlier, version)
            }
            guard population.count >= Self.minimumPopulation else { continue }
            let score = RobustScore(population)
            for norm in norms where refusals[norm.update] == nil && score(norm.value) > threshold {
                refusals[norm.update] =
                    "module \(version.module): the norm of its change, \(Self.text(norm.value)), lies "
                    + "\(Self.text(score(norm.value))) robust standard deviations above the median of "
                    + "\(population.count) updates, \(Self.text(score.median)); the policy takes at most "
                    + "\(Self.text(threshold))"
            }
        }
        return refusals
    }

    /// The newest updates of a module that counted, as many as there are up to `limit`.
    private func earlier(_ version: ModuleVersionRecord, _ limit: Int) async throws -> [ClaimedUpdate] {
        let rows = try await connection.query(
            """
            SELECT u.update_id, u.device_id::text AS device_id, b.number AS base_release
            FROM eclm.updates u
            JOIN eclm.update_modules um ON um.update_id = u.update_id AND um.module_id = \(version.moduleID.rawValue)
            JOIN eclm.releases b ON b.release_id = u.base_release_id
            WHERE u.model_id = (SELECT model_id FROM eclm.modules WHERE module_id = \(version.moduleID.rawValue))
                AND u.status = 'aggregated'
            ORDER BY u.update_id DESC LIMIT \(limit)
            """)
        var updates: [ClaimedUpdate] = []
        for row in rows {
            updates.append(
                ClaimedUpdate(
                    updateID: UpdateID(try row.decode("update_id")), deviceID: try row.decode("device_id"),
                    baseRelease: Int(try row.decode("base_release", as: Int32.self)), baseWithdrawn: false, age: .zero))
        }
        try await ClaimedUpdate.readModules(of: &updates, on: connection)
        return updates
    }

    /// The norms of updates that counted before. What cannot be read any more is left out: no update of this round is at
    /// fault for it, nor does the round need it.
    private func earlierNorms(of updates: [ClaimedUpdate], _ version: ModuleVersionRecord) async throws -> [Double] {
        let bases = try await RoundBase.differenceBases(of: updates, all: true, on: connection)
        do {
            return try await aggregation.norms(of: updates, version, bases).map(\.value)
        } catch  where Self.isUnreadable(error) {}
        var values: [Double] = []
        for update in updates {
            do {
                values += try await aggregation.norms(of: [update], version, bases).map(\.value)
            } catch  where Self.isUnreadable(error) {}
        }
        return values
    }

    /// Whether an error is one of stored bytes, and not of the database.
    private static func isUnreadable(_ error: any Error) -> Bool {
        if error is SafetensorsError || error is UpdateError { return true }
        return [.dataLoss, .notFound, .invalidArgument].contains(RegistryError(wrapping: error).code)
    }

    private static func text(_ value: Double) -> String {
        let scale = value.magnitude < 1e6 ? 1000.0 : 1
        return "\((value * scale).rounded() / scale)"
    }
}
