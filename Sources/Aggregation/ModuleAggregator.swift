public import ECLMCore
import Foundation
import Synchronization

/// Aggregates a module's updates in memory, by the very code of a round: the same updates give the same bytes as a round
/// over the registry.
///
///     let aggregator = ModuleAggregator(rule: ImportanceWeightedMean())
///     let next = try await aggregator.aggregate(updates, of: .expert, onto: current)
///     // next.file, next.weights
public struct ModuleAggregator: Sendable {
    /// What becomes of the updates, and whether the selector learns, too.
    public var rule: RoundRule
    /// The largest norm of an update's difference to the base; `nil` for any. Above 0.
    public var clipNorm: Double?
    /// What makes a version of the aggregate; by default the version is the aggregate.
    public var optimizer = OptimizerSpecification.none
    /// Bytes that the values of a block may take where all updates are read together.
    public var blockMemory: Int
    /// The threads to use; the result does not depend on it. All of the machine's by default.
    public var cores = ProcessInfo.processInfo.activeProcessorCount
    /// Whether every value is looked at before anything is summed: off for measurements of the sum alone.
    package var checksValues = true

    /// The most updates.
    public static let maximumUpdates = 4096

    /// Bytes of values where nobody says otherwise.
    public static let standardBlockMemory = 64 << 20

    /// An aggregator by a rule.
    public init(
        rule: any AggregationRule, trainsSelector: Bool = false, clipNorm: Double? = nil,
        blockMemory: Int = Self.standardBlockMemory
    ) {
        self.rule = RoundRule(rule, trainsSelector: trainsSelector)
        self.clipNorm = clipNorm
        self.blockMemory = blockMemory
    }

    /// One update's part in the module.
    public struct Update: Sendable {
        /// The file, in the encoding.
        public var file: [UInt8]
        /// How it is written.
        public var encoding: UpdateEncoding
        /// The version it was trained from, which a difference is told to; `nil` for the one that is aggregated onto.
        public var base: [UInt8]?
        /// The module's importance for the device's data: finite, at least 0.
        public var importance: Double
        /// Samples it was trained on, at least 1.
        public var sampleCount: Int64
        /// Releases that it is behind the version that is aggregated onto, at least 0: for rules that discount it.
        public var staleness: Int

        /// What lineages call it; its number among the updates, from 1, where it has no name. At most 256 bytes.
        public var name: String?
        /// What it stands for, where it is a region's: see ``PartialAggregate``.
        public var partial: Partial?

        /// A region's part of the updates.
        public struct Partial: Sendable, Hashable {
            /// The rule that made it.
            public var rule: String
            /// Updates of devices in it.
            public var updates: Int
            /// The digest of its lineage document.
            public var lineage: Digest

            public init(rule: String, updates: Int, lineage: Digest) {
                self.rule = rule
                self.updates = updates
                self.lineage = lineage
            }
        }

        public init(
            file: [UInt8], encoding: UpdateEncoding = .full, base: [UInt8]? = nil, importance: Double = 1,
            sampleCount: Int64 = 1, staleness: Int = 0
        ) {
            self.file = file
            self.encoding = encoding
            self.base = base
            self.importance = importance
            self.sampleCount = sampleCount
            self.staleness = staleness
        }
    }

    /// What an optimizer remembers with a version.
    public struct State: Sendable, Hashable {
        /// The optimizer's name. Another one begins anew.
        public var optimizer: String
        /// Steps since it began, at least 1.
        public var step: Int
        /// A safetensors file, as docs/trainer/rules.md says under "Server optimizers".
        public var file: [UInt8]

        public init(optimizer: String, step: Int, file: [UInt8]) {
            self.optimizer = optimizer
            self.step = step
            self.file = file
        }
    }

    /// What came of it.
    public struct Aggregate: Sendable, Hashable {
        /// The module's weights: a safetensors file with the base's header.
        public var file: [UInt8]
        /// What each update weighs, as in the lineage: at least 0, together 1. Empty where the module keeps its version:
        /// the rule does not train modules of its kind, or needs more updates.
        public var weights: [Double]
        /// What the optimizer remembers with these weights; `nil` where none made them.
        public var state: State?

        public init(file: [UInt8], weights: [Double], state: State? = nil) {
            self.file = file
            self.weights = weights
            self.state = state
        }
    }

    /// Aggregates updates.
    ///
    /// - Parameters:
    ///   - updates: In the order of a round: that of their submission. None leaves the module as it is.
    ///   - kind: What the module is.
    ///   - base: The current version's file.
    ///   - state: What an optimizer left with it. Where the version stays, it stays as well.
    /// - Throws: ``AggregationError`` with `invalidWeights` for what a round would quarantine, or a base that is no module;
    ///   with `unfitVersion` for a state that is not the base's.
    public func aggregate(
        _ updates: [Update], of kind: ModuleKind, onto base: [UInt8], from state: State? = nil
    ) async throws -> Aggregate {
        let kept = Aggregate(file: base, weights: [], state: state)
        guard rule.trains(kind), !updates.isEmpty, updates.count >= rule.minimumContributions else { return kept }
        var (blobs, current, sources) = try inputs(of: updates, of: kind, onto: base)
        if checksValues { try check(sources.map(\.update), updates, against: current) }
        let aggregation = ModuleAggregation(
            blobs: blobs, rule: rule, clipNorm: clipNorm, blockMemory: blockMemory, cores: cores)
        let aggregate = try await aggregation.aggregate(sources, onto: current)
        guard let optimizer = optimizer.optimizer else {
            return Aggregate(
                file: aggregate.file, weights: aggregate.weights,
                state: state != nil && aggregate.file == base ? state : nil)
        }
        let known = state.map {
            OptimizerState(optimizer: $0.optimizer, step: $0.step, file: blobs.add($0.file))
        }
        let next = try await OptimizerStep(blobs: blobs, optimizer: optimizer).move(
            current, toward: aggregate.file, from: known)
        return Aggregate(
            file: next.file, weights: aggregate.weights,
            state: next.file == base
                ? state : State(optimizer: optimizer.name, step: next.state.step, file: next.memory))
    }

    /// What is aggregated, as files in memory.
    func inputs(
        of updates: [Update], of kind: ModuleKind, onto base: [UInt8]
    ) throws -> (blobs: MemoryBlobs, current: AggregationBase, sources: [ModuleAggregation.Source]) {
        guard updates.count <= Self.maximumUpdates else {
            throw AggregationError(
                .invalidWeights, "\(updates.count) updates are more than the \(Self.maximumUpdates) of a round")
        }
        var blobs = MemoryBlobs()
        // Digests tell whether two versions are one; without other versions they would be the longest step.
        let hasVersions = updates.contains { $0.encoding.isDifference && $0.base != nil }
        let current = try Self.version(base, kind, "the base", named: hasVersions, &blobs)
        var versions = [current.file.digest: current]
        var sources: [ModuleAggregation.Source] = []
        for (number, update) in updates.enumerated() {
            try checkPartial(update, number)
            guard update.importance.isFinite, update.importance >= 0, update.sampleCount > 0, update.staleness >= 0
            else {
                throw AggregationError(
                    .invalidWeights,
                    "update \(number) has importance \(update.importance), \(update.sampleCount) samples and staleness "
                        + "\(update.staleness); at least 0, 1 and 0 are needed")
            }
            var own: AggregationBase?
            if update.encoding.isDifference {
                if let bytes = update.base {
                    let version = try Self.version(bytes, kind, "the base of update \(number)", named: true, &blobs)
                    own = versions[version.file.digest] ?? version
                    versions[version.file.digest] = own
                } else {
                    own = current
                }
            }
            let file = UpdateFile(file: blobs.addUnnamed(update.file), encoding: update.encoding, base: own)
            sources.append(
                ModuleAggregation.Source(
                    contribution: Contribution(
                        importance: update.importance,
                        sampleCount: update.sampleCount, staleness: update.staleness), update: file))
        }
        return (blobs, current, sources)
    }

    /// Looks at every value of every update.
    func check(_ files: [UpdateFile], _ updates: [Update], against current: AggregationBase) throws {
        let failures = Mutex<[Int: any Error]>([:])
        Parallel.perform(files.count, on: cores) { number in
            do {
                try files[number].check(updates[number].file, against: current)
            } catch {
                failures.withLock { $0[number] = error }
            }
        }
        guard let (number, error) = failures.withLock({ $0.min { $0.key < $1.key } }) else { return }
        if let refusal = error as? UpdateFile.Refusal {
            throw AggregationError(.invalidWeights, "update \(number): \(refusal.reason)")
        }
        throw error
    }

    private static func version(
        _ bytes: [UInt8], _ kind: ModuleKind, _ label: String, named: Bool, _ blobs: inout MemoryBlobs
    ) throws -> AggregationBase {
        let header: SafetensorsHeader
        do {
            header = try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count, limits: .module)
        } catch {
            throw AggregationError(.invalidWeights, "\(label) is no module's weights: \(error.message)", cause: error)
        }
        return AggregationBase(
            module: "module", kind: kind, file: named ? blobs.add(bytes) : blobs.addUnnamed(bytes),
            tensors: header.tensors, label: label)
    }
}
