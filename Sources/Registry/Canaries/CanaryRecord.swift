public import Composition
import ECLMCore
public import Foundation
import PostgreSQL

/// Where a canary stands.
public enum CanaryState: String, Sendable, Hashable, Codable, CaseIterable {
    /// Devices of the share get the candidate.
    case running
    /// The channel points to the candidate.
    case promoted
    /// The candidate was worse: the channel stayed, and the candidate is withdrawn unless a channel carries it.
    case rolledBack = "rolled_back"
    /// Ended by an operator, or because the channel moved or a release was withdrawn.
    case cancelled
    /// The deadline came before a decision: the channel stayed.
    case expired
}

/// A canary: a release on trial, and what is known of it.
public struct CanaryRecord: Sendable, Hashable {
    /// The row's identity.
    public var canaryID: Int64
    /// The model's name.
    public var model: String
    /// The number of the release that the devices outside the share keep.
    public var control: Int
    /// What is compared, and when it decides; ``CanarySettings/patience`` counts from the start.
    public var settings: CanarySettings
    /// Which devices get the candidate.
    public var assignment: CanaryAssignment
    /// What was counted.
    public var test: CanaryTest
    /// Devices of each arm that one block takes.
    public var candidateBlock: Int
    /// Devices of each arm that one block takes.
    public var controlBlock: Int
    /// Where it stands.
    public var state: CanaryState
    /// Why it was started, when, and by whom.
    public var reason: String
    /// When it was started.
    public var startedAt: Date
    /// By whom.
    public var startedBy: String
    /// When it ends without a decision.
    public var deadline: Date
    /// When it ended.
    public var decidedAt: Date?
    /// Who decided: a trainer, or an operator.
    public var decidedBy: String?
    /// Why it ended.
    public var decision: String?

    let modelID: ModelID
    let candidateReleaseID: ReleaseID
}

extension CanaryRecord {
    static let select: SQL = """
        SELECT c.canary_id, c.model_id, mo.name AS model, ch.name AS channel, c.candidate_release_id,
            n.number AS candidate, o.number AS control, c.share, c.salt, c.metric, c.lower_is_better, c.lower_bound,
            c.upper_bound, c.margin, c.alpha, c.beta, c.minimum_observations, c.candidate_block, c.control_block,
            c.deadline, extract(epoch FROM c.deadline - c.started_at)::float8 AS patience, c.reason, c.started_at,
            c.started_by, c.blocks, c.candidate_count, c.candidate_mean, c.candidate_m2, c.control_count, c.control_mean,
            c.control_m2, c.promote_wealth, c.rollback_wealth, c.state::text AS state, c.decided_at, c.decided_by,
            c.decision
        FROM eclm.canaries c
        JOIN eclm.models mo USING (model_id)
        JOIN eclm.channels ch USING (channel_id)
        JOIN eclm.releases n ON n.release_id = c.candidate_release_id
        JOIN eclm.releases o ON o.release_id = c.control_release_id
        """

    init(_ row: PostgresRow) throws {
        canaryID = try row.decode("canary_id")
        modelID = ModelID(try row.decode("model_id"))
        model = try row.decode("model")
        control = Int(try row.decode("control", as: Int32.self))
        candidateReleaseID = ReleaseID(try row.decode("candidate_release_id"))
        settings = CanarySettings(
            channel: try row.decode("channel"), candidate: Int(try row.decode("candidate", as: Int32.self)),
            share: try row.decode("share"), metric: try row.decode("metric"),
            lowerIsBetter: try row.decode("lower_is_better"),
            range: try row.decode("lower_bound", as: Double.self)...row.decode("upper_bound", as: Double.self),
            margin: try row.decode("margin"), alpha: try row.decode("alpha"), beta: try row.decode("beta"),
            minimumObservations: Int(try row.decode("minimum_observations", as: Int32.self)),
            patience: try row.decode("patience"))
        assignment = CanaryAssignment(salt: try row.decode("salt"), share: settings.share)
        test = try CanaryTest(row, settings)
        candidateBlock = Int(try row.decode("candidate_block", as: Int32.self))
        controlBlock = Int(try row.decode("control_block", as: Int32.self))
        let text: String = try row.decode("state")
        guard let state = CanaryState(rawValue: text) else {
            throw RegistryError(.internal, "canary state \(text) is not known to this program; update the program")
        }
        self.state = state
        reason = try row.decode("reason")
        startedAt = try row.decode("started_at")
        startedBy = try row.decode("started_by")
        deadline = try row.decode("deadline")
        decidedAt = try row.decode("decided_at")
        decidedBy = try row.decode("decided_by")
        decision = try row.decode("decision")
    }
}

extension CanaryTest {
    fileprivate init(_ row: PostgresRow, _ settings: CanarySettings) throws {
        let wealths: [[Double]] = [try row.decode("promote_wealth"), try row.decode("rollback_wealth")]
        guard wealths.allSatisfy({ $0.isEmpty || $0.count == Self.stakes.count }) else {
            throw RegistryError(
                .internal, "a canary's statistics are of another version of this program; update the program")
        }
        self.init(
            settings, blocks: try row.decode("blocks"),
            candidate: CanaryArm(
                observations: try row.decode("candidate_count"), mean: try row.decode("candidate_mean"),
                squares: try row.decode("candidate_m2")),
            control: CanaryArm(
                observations: try row.decode("control_count"), mean: try row.decode("control_mean"),
                squares: try row.decode("control_m2")),
            promoteWealth: wealths[0], rollbackWealth: wealths[1])
    }

    /// The statistics as the columns of a canary's row.
    var assignments: SQL {
        """
        blocks = \(blocks), candidate_count = \(candidate.observations), candidate_mean = \(candidate.mean),
        candidate_m2 = \(candidate.squares), control_count = \(control.observations), control_mean = \(control.mean),
        control_m2 = \(control.squares), promote_wealth = \(promoteWealth), rollback_wealth = \(rollbackWealth)
        """
    }
}
