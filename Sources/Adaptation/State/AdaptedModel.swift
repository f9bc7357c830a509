public import ECLMCore
public import EdgeClient
public import Learning

/// The sub-model that a device adapted to its data and runs, with smaller ones inside it. Nothing here needs a network.
public struct AdaptedModel: Sendable, Codable {
    static let fileName = "model.json"

    public var model: String
    /// The release it was composed from.
    public var release: Int32
    /// The modules, shared parts first.
    public var modules: [Module]
    /// Sub-models for smaller budgets.
    public var plan: SubsetPlan
    /// What the selector and the sub-model made of the data that it was adapted to: what drift is measured against.
    public var observation: DriftObservation
    /// How its training went.
    public var training: Training

    public struct Module: Sendable, Hashable, Codable {
        /// The module's name.
        public var module: String
        /// Its place.
        public var slot: ModuleSlot
        /// The version it was trained from, or that it is when it was not trained.
        public var version: Int32
    }

    /// How training went.
    public struct Training: Sendable, Hashable, Codable {
        /// The examples learned from.
        public var trainedExamples: Int
        /// The examples only measured on.
        public var heldOutExamples: Int
        /// Optimiser steps.
        public var steps: Int
        /// Measured on held-out examples before.
        public var before: LocalTrainingResult.Measurement?
        /// Measured on held-out examples after.
        public var after: LocalTrainingResult.Measurement?
        /// What is odd about the data.
        public var warnings: [String]

        enum CodingKeys: String, CodingKey {
            case trainedExamples = "trained_examples"
            case heldOutExamples = "held_out_examples"
            case steps, before, after, warnings
        }

        init(_ result: LocalTrainingResult) {
            trainedExamples = result.trainedExamples
            heldOutExamples = result.heldOutExamples
            steps = result.steps
            before = result.before
            after = result.after
            warnings = result.warnings.map(\.description)
        }
    }

    static func read(folder: String) throws -> AdaptedModel {
        let path = "\(folder)/\(fileName)"
        do {
            let bytes = try FileSystem.contents(of: path, limit: 256 << 20)
            return try JSONReader(maximumBytes: 256 << 20).decode(of: path, from: bytes)
        } catch {
            throw EdgeError(.invalidState, "\(path) cannot be read; adapt again", cause: error)
        }
    }
}

/// An adapted model where it lies.
public struct InstalledModel: Sendable {
    /// What it is made of.
    public let model: AdaptedModel
    private let folder: String
    private let directory: AdaptationDirectory

    /// The model that a device runs.
    ///
    /// - Throws: `EdgeError` with `invalidState` when the device has adapted none.
    public init(of name: String, in state: StateDirectory) throws {
        directory = try AdaptationDirectory(state, model: name)
        guard let folder = try directory.current() else {
            throw EdgeError(
                .invalidState, "this device has not adapted \(name) yet: run adapt once with a registry")
        }
        self.folder = folder
        model = try AdaptedModel.read(folder: folder)
    }

    /// The network, whole. Not `Sendable`: it stays where it was made.
    ///
    /// - Throws: `EdgeError` or `LearningError` when a file is missing or damaged.
    public func network() throws -> ModularNetwork {
        try NetworkFiles(modules: paths).network()
    }

    /// The network as it was pulled, before it was trained here; the last adaptation's, until the next one pulls.
    ///
    /// - Throws: `EdgeError` or `LearningError` when a file is missing or damaged.
    public func pulledNetwork() throws -> ModularNetwork {
        let manifest = try SubModelManifest(directory: directory.base)
        let files = manifest.modules.map { ($0.slot, "\(directory.base)/\($0.file)") }
        return try NetworkFiles(modules: Dictionary(files, uniquingKeysWith: { first, _ in first })).network()
    }

    private var paths: [ModuleSlot: String] {
        Dictionary(
            model.modules.map { ($0.slot, "\(folder)/\(SubModelManifest.fileName(of: $0.module))") },
            uniquingKeysWith: { first, _ in first })
    }

    /// Switches to the best held subset within a budget and notes it, without any network.
    ///
    /// - Returns: The subset, and whether it is another than before.
    /// - Throws: `LearningError` with `budget` when none fits; what is in use stays.
    public func use(_ budget: Budget) throws -> (subset: SubsetPlan.Subset, changed: Bool) {
        let subset = try model.plan.subset(within: budget)
        let before = try active()
        try FileSystem.replace(
            directory.activeFile, with: JSONFile.bytes(Active(release: model.release, budget: budget, subset: subset)),
            mode: 0o600)
        return (subset, before.modules != subset.modules)
    }

    /// The subset in use; the whole model unless it was switched.
    public func active() throws -> SubsetPlan.Subset {
        if let bytes = try? FileSystem.contents(of: directory.activeFile, limit: 64 << 20),
            let active = try? JSONReader().decode(Active.self, of: directory.activeFile, from: bytes),
            model.plan.subsets.contains(where: { $0.modules == active.subset.modules })
        {
            return active.subset
        }
        return try model.plan.subset(within: Budget())
    }

    private struct Active: Codable {
        var release: Int32
        var budget: Budget
        var subset: SubsetPlan.Subset
    }
}
