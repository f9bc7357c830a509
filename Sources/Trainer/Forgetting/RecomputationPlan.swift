import Aggregation
import ECLMCore
import Registry

/// What must be computed again so that a channel's release has nothing of a device, and in which order.
///
/// A version is a function of the round that made it: of the version it was folded onto, with what an optimizer remembers
/// there, and of updates with the versions that they were trained from. The plan goes through the releases from the first
/// affected one on and follows that function with updates left out; where all arguments are those of a version that exists,
/// it is that version.
struct RecomputationPlan: Sendable {
    typealias Removals = Set<DeviceRemoval>

    /// A version that exists, or one that a step makes.
    enum Node: Hashable, Sendable {
        case version(ModuleVersionID)
        case step(Int)
    }

    /// One update's part: what its difference is added to.
    struct Input: Hashable, Sendable {
        var update: UpdateID
        /// The version that it was trained from.
        var recordedBase: ModuleVersionID
        /// What takes that version's place.
        var base: Node
    }

    /// One module of one round.
    struct Step: Hashable, Sendable {
        var round: RoundID
        var module: ModuleID
        var parent: Node
        /// At least one, in ascending order of the updates.
        var inputs: [Input]
    }

    private struct Place: Hashable {
        var release: ReleaseID
        var removals: Removals
    }

    /// What takes the place of a release's versions, where it is not they themselves.
    typealias Overlay = [ModuleID: Node]

    let history: RoundHistory
    let removal: DeviceRemoval
    /// In an order in which each comes after those that it needs.
    private(set) var steps: [Step] = []
    /// What the channel's versions become.
    private(set) var result: Overlay = [:]
    /// Updates of the device in the rounds that were looked at.
    private(set) var leftOut: Set<ForgetOutcome.LeftOut> = []
    private let policies: [RoundID: Result<RoundPolicy, RegistryError>]
    private var numbers: [Step: Int] = [:]
    private var overlays: [Place: Overlay] = [:]
    private var settledOverlays: [Place: Overlay] = [:]

    /// Plans a removal.
    ///
    /// - Parameter policies: What each round of the history followed, or why that is not known.
    /// - Throws: ``RegistryError`` where an affected round cannot be computed again.
    init(
        _ history: RoundHistory, without removal: DeviceRemoval,
        policies: [RoundID: Result<RoundPolicy, RegistryError>]
    ) throws {
        self.history = history
        self.removal = removal
        self.policies = policies
        guard history.firstBase[removal] != nil else { return }
        result = try settled(history.channelRelease, [removal])
    }

    /// The policy of a round.
    func policy(of round: RoundID) throws -> RoundPolicy {
        guard let policy = policies[round] else {
            throw RegistryError(.internal, "the history has no policy of round \(round)")
        }
        return try policy.get()
    }

    /// The steps that the channel's versions need, in order.
    var neededSteps: [Int] {
        var needed = Set<Int>()
        var open = Array(result.values)
        while let node = open.popLast() {
            guard case .step(let number) = node, needed.insert(number).inserted else { continue }
            open.append(steps[number].parent)
            open += steps[number].inputs.map(\.base)
        }
        return needed.sorted()
    }

    /// The version that a step's round had made; `nil` where the module had kept its version.
    func original(of step: Step) -> ModuleVersionID? {
        guard let round = history.rounds[step.round], let release = history.releaseOfRound[step.round],
            let version = history.releases[release]?.versions[step.module],
            version != history.releases[round.base]?.versions[step.module]
        else { return nil }
        return version
    }

    /// The versions that something else takes the place of, in the releases that were looked at, with what that is.
    var replaced: [(version: ModuleVersionID, by: Node)] {
        overlays.flatMap { place, overlay in
            overlay.compactMap { module, node in
                history.releases[place.release]?.versions[module].map { ($0, node) }
            }
        }
    }

    /// What becomes of a release's versions. Goes up to the first release that is known or unaffected, and down again:
    /// a history may be very long.
    private mutating func overlay(_ release: ReleaseID, _ removals: Removals) throws -> Overlay {
        guard let first = removals.compactMap({ history.firstBase[$0] }).min() else { return [:] }
        var open: [RoundHistory.Release] = []
        var next: ReleaseID? = release
        while let id = next, let current = history.releases[id], current.number > first,
            overlays[Place(release: id, removals: removals)] == nil
        {
            open.append(current)
            // It is followed with what its own rollback left out.
            if let earlier = current.removal, !removals.contains(earlier) { break }
            next = current.parent
        }
        for current in open.reversed() {
            overlays[Place(release: current.id, removals: removals)] = try evaluate(current, removals)
        }
        return overlays[Place(release: release, removals: removals)] ?? [:]
    }

    private mutating func evaluate(_ release: RoundHistory.Release, _ removals: Removals) throws -> Overlay {
        let before = release.parent.flatMap { history.releases[$0] }
        var all = removals
        if let earlier = release.removal { all.insert(earlier) }
        let come = try before.map { try settled($0.id, all) } ?? [:]
        var nodes: Overlay = [:]
        for (module, version) in release.versions {
            let old = before?.versions[module]
            if release.removal != nil || old == version {
                nodes[module] = come[module] ?? old.map(Node.version)
            } else if let first = history.firstRelease[version], first != release.id {
                // Back to a version of an earlier release.
                nodes[module] = try overlay(first, removals)[module]
            }
        }
        if let number = release.round, let round = history.rounds[number] {
            for (module, node) in try apply(round, onto: come, removals) { nodes[module] = node }
        }
        return nodes.filter { module, node in release.versions[module].map(Node.version) != node }
    }

    /// A release's versions after the rounds on it that changed nothing when they were made.
    private mutating func settled(_ release: ReleaseID, _ removals: Removals) throws -> Overlay {
        let place = Place(release: release, removals: removals)
        if let known = settledOverlays[place] { return known }
        var nodes = try overlay(release, removals)
        for number in history.quietRounds[release] ?? [] {
            guard let round = history.rounds[number] else { continue }
            for (module, node) in try apply(round, onto: nodes, removals) { nodes[module] = node }
        }
        nodes = nodes.filter { module, node in
            history.releases[release]?.versions[module].map(Node.version) != node
        }
        settledOverlays[place] = nodes
        return nodes
    }

    /// What a round makes of the modules that its updates trained.
    private mutating func apply(
        _ round: RoundHistory.Round, onto come: Overlay, _ removals: Removals
    ) throws -> Overlay {
        var removed: Set<UpdateID> = []
        var bases: [UpdateID: ReleaseID] = [:]
        for update in round.updates {
            bases[update.id] = update.baseRelease
            guard removals.contains(where: { $0.covers(update, in: round) }) else { continue }
            removed.insert(update.id)
            if removal.covers(update, in: round) {
                leftOut.insert(ForgetOutcome.LeftOut(round: round.number, updateID: update.id))
            }
        }
        // Whoever has both releases could take one from the other, and have what the device brought; with other noise it
        // would be one more look at everybody else's updates.
        guard !round.isPrivate || removed.isEmpty && come.isEmpty else {
            throw RegistryError(
                .failedPrecondition,
                "round \(round.number) is private: computed again without a device it would tell what devices brought; "
                    + "roll back to a release before the device came in")
        }
        var nodes: Overlay = [:]
        for (module, contributions) in round.trained.sorted(by: { $0.key < $1.key }) {
            guard let old = history.releases[round.base]?.versions[module] else { continue }
            let parent = come[module] ?? .version(old)
            var inputs: [Input] = []
            for (update, base) in contributions where !removed.contains(update) {
                let node = try bases[update].map { try self.base(base, of: module, in: $0, removals) }
                inputs.append(Input(update: update, recordedBase: base, base: node ?? .version(base)))
            }
            let step = Step(round: round.id, module: module, parent: parent, inputs: inputs)
            let isSame =
                inputs.count == contributions.count && parent == .version(old)
                && inputs.allSatisfy { $0.base == .version($0.recordedBase) }
            nodes[module] = try node(of: step, isSame: isSame)
        }
        return nodes
    }

    private mutating func base(
        _ version: ModuleVersionID, of module: ModuleID, in release: ReleaseID, _ removals: Removals
    ) throws -> Node {
        guard history.releases[release]?.versions[module] == version else { return .version(version) }
        return try overlay(release, removals)[module] ?? .version(version)
    }

    private mutating func node(of step: Step, isSame: Bool) throws -> Node {
        if let made = recipe(of: step).flatMap({ history.made[$0] }) { return .version(made) }
        // A round as it was whose module kept its version, or one that has nothing left.
        guard !isSame, !step.inputs.isEmpty else { return step.parent }
        let rule = try policy(of: step.round).rule
        guard let kind = history.kinds[step.module], rule.trains(kind), step.inputs.count >= rule.minimumContributions
        else { return step.parent }
        if let known = numbers[step] { return .step(known) }
        steps.append(step)
        numbers[step] = steps.count - 1
        return .step(steps.count - 1)
    }

    private func recipe(of step: Step) -> RoundHistory.Recipe? {
        guard case .version(let parent) = step.parent else { return nil }
        var recipe = RoundHistory.Recipe(
            round: step.round, module: step.module, parent: parent, updates: step.inputs.map(\.update), bases: [])
        for input in step.inputs {
            guard case .version(let base) = input.base else { return nil }
            recipe.bases.append(base)
        }
        return recipe
    }
}
