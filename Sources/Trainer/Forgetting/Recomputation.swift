import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// Computes the steps of a plan, in order; results are stored as blobs, which nothing refers to yet.
struct Recomputation: Sendable {
    /// A version as steps need it.
    struct Version: Sendable {
        /// Its row; of a new version that of the version it descends from, with the new weights.
        var record: ModuleVersionRecord
        /// The number of the step that makes it; `nil` for a version that exists.
        var step: Int?
        /// What an optimizer left with it.
        var state: OptimizerState?
    }

    /// A step that makes a new version.
    struct Made: Sendable {
        var step: Int
        var version: Version
        var parent: Version
        /// The updates with their weights and, where it is not the version they were trained from, what their
        /// difference was added to.
        var contributions: [(update: UpdateID, weight: Double, applied: Version?)]
    }

    let registry: Registry
    let blockMemory: Int
    let plan: RecomputationPlan
    /// The versions that exist and are needed, by number.
    private(set) var records: [ModuleVersionID: ModuleVersionRecord] = [:]
    /// What optimizers left with them.
    private var states: [ModuleVersionID: OptimizerState] = [:]
    /// The steps that made a version, in order.
    private(set) var made: [Made] = []
    private var versions: [Int: Version] = [:]

    init(registry: Registry, blockMemory: Int, plan: RecomputationPlan) {
        self.registry = registry
        self.blockMemory = blockMemory
        self.plan = plan
    }

    /// What a node is; after ``run()`` for every node of a needed step and of the plan's result.
    func version(_ node: RecomputationPlan.Node) throws -> Version {
        switch node {
        case .version(let id):
            if let record = records[id] { return Version(record: record, state: states[id]) }
        case .step(let number):
            if let version = versions[number] { return version }
        }
        throw RegistryError(.internal, "a version of the plan was not computed: \(node)")
    }

    /// Reads the rows of the versions that the plan begins with.
    mutating func readRecords(on connection: PostgresConnection) async throws {
        var ids = Set<ModuleVersionID>()
        func need(_ node: RecomputationPlan.Node) {
            if case .version(let id) = node { ids.insert(id) }
        }
        for number in plan.neededSteps {
            let step = plan.steps[number]
            need(step.parent)
            if let original = plan.original(of: step) { ids.insert(original) }
            for input in step.inputs {
                need(input.base)
                ids.insert(input.recordedBase)
            }
        }
        plan.result.values.forEach(need)
        if let release = plan.history.releases[plan.history.channelRelease] { ids.formUnion(release.versions.values) }
        let rows = try await connection.query(
            """
            \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
            WHERE v.module_version_id = ANY (\(ids.map(\.rawValue).sorted()))
            """)
        for row in rows {
            let record = try ModuleVersionRecord(row)
            records[record.moduleVersionID] = record
        }
        states = try await OptimizerState.read(of: ids, on: connection)
    }

    /// Computes every needed step.
    mutating func run() async throws {
        let blobs = try DifferenceBlobs(over: registry.blobs)
        var round: (id: RoundID, updates: [UpdateID: ClaimedUpdate])?
        for number in plan.neededSteps {
            try Task.checkCancellation()
            let step = plan.steps[number]
            if round?.id != step.round { round = (step.round, try await updates(of: step.round)) }
            try await run(number, step, round?.updates ?? [:], blobs)
        }
    }

    private func updates(of round: RoundID) async throws -> [UpdateID: ClaimedUpdate] {
        let counted = (plan.history.rounds[round]?.updates ?? []).map {
            ClaimedUpdate(
                updateID: $0.id, deviceID: $0.device, baseRelease: $0.baseNumber, baseWithdrawn: false, age: .zero)
        }
        let updates = try await registry.pool.registryTransaction(readOnly: true) { connection in
            var updates = counted
            try await ClaimedUpdate.readModules(of: &updates, on: connection)
            return updates
        }
        return Dictionary(updates.map { ($0.updateID, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private mutating func run(
        _ number: Int, _ step: RecomputationPlan.Step, _ updates: [UpdateID: ClaimedUpdate], _ blobs: DifferenceBlobs
    ) async throws {
        guard let round = plan.history.rounds[step.round], let started = plan.history.releases[round.base] else {
            throw RegistryError(.internal, "the history has no round \(step.round)")
        }
        let began = RoundBase(
            modelID: plan.history.modelID, releaseID: round.base, number: started.number, jumps: plan.history.jumps)
        let parent = try version(step.parent)
        let policy = try plan.policy(of: step.round)
        var sources: [RoundSource] = []
        var applied: [Version?] = []
        for input in step.inputs {
            guard let update = updates[input.update], let recorded = records[input.recordedBase],
                let module = update.modules.first(where: { $0.moduleID == step.module })
            else {
                throw RegistryError(.internal, "update \(input.update) has lost what it brought")
            }
            let base = try version(input.base)
            sources.append(
                RoundSource(
                    update: input.update, importance: module.importance, sampleCount: module.sampleCount,
                    // As the round had it: what was recorded counts, not what another history would have had.
                    staleness: began.staleness(of: update),
                    file: try await Self.file(module, trainedFrom: recorded, onto: base.record, in: blobs)))
            applied.append(input.base == .version(input.recordedBase) ? nil : base)
        }
        let aggregation = ModuleAggregation(
            blobs: blobs, rule: policy.rule, clipNorm: policy.clipNorm, blockMemory: blockMemory)
        let base = parent.record.aggregationBase
        let aggregate = try await aggregation.aggregate(sources, onto: base)
        blobs.removeDifferences()
        let next = try await policy.step(from: base, toward: aggregate.file, parent.state, in: registry.blobs)
        let digest = Digest.of(next.file)
        guard digest != parent.record.digest else {
            versions[number] = parent
            return
        }
        try await registry.blobs.put(next.file, digest: digest)
        var version = Version(record: parent.record, step: number)
        version.record.digest = digest
        if let memory = next.memory {
            try await registry.blobs.put(memory.bytes, digest: memory.state.file.digest)
            version.state = memory.state
        }
        versions[number] = version
        made.append(
            Made(
                step: number, version: version, parent: parent,
                contributions: zip(sources, zip(aggregate.weights, applied)).map {
                    ($0.updateID, $1.0, $1.1)
                }))
    }

    /// An update's file, told to what takes the place of the version it was trained from: differences as they are, full
    /// weights as their difference where the two are not of the same bytes.
    static func file(
        _ module: ClaimedUpdate.Module, trainedFrom recorded: ModuleVersionRecord, onto base: ModuleVersionRecord,
        in blobs: DifferenceBlobs
    ) async throws -> UpdateFile {
        let encoding = try module.encoding()
        let file = ModuleFile(digest: module.digest, size: module.size ?? 0)
        if encoding.isDifference { return UpdateFile(file: file, encoding: encoding, base: base.aggregationBase) }
        guard recorded.digest != base.digest else { return UpdateFile(file: file) }
        let difference = try await blobs.difference(of: file, to: recorded.aggregationBase.file)
        return UpdateFile(file: difference, encoding: .delta, base: base.aggregationBase)
    }
}
