public import ECLMCore
public import Learning

/// What an adaptation did.
public struct AdaptationReport: Sendable, Encodable {
    public var model: String
    /// The release the sub-model was composed from; the base of the update.
    public var release: Int32
    /// What an interrupted run had done already, where this one went on from it.
    public var resumed: Resumption?
    /// Releases that were rolled back while this device trained on them; it began again with the channel's.
    public var rolledBack: [Int32] = []
    /// The mean gates over the local data, layer by layer.
    public var importances: [[Double]]
    /// The sub-model's modules, shared parts included.
    public var modules: [String]
    /// What the sub-model costs.
    public var totals: Budget
    /// The examples learned from.
    public var trainedExamples: Int
    /// The examples only measured on.
    public var heldOutExamples: Int
    /// Optimiser steps.
    public var steps: Int
    /// Measured on held-out examples before training.
    public var before: LocalTrainingResult.Measurement?
    /// Measured on held-out examples after training.
    public var after: LocalTrainingResult.Measurement?
    /// What is odd about the data.
    public var warnings: [String]
    /// What was submitted; `nil` when nothing was to be.
    public var update: Update?
    /// Sub-models for smaller budgets, the whole first.
    public var subsets: [SubsetPlan.Subset]
    /// Bytes of this run.
    public var transfer: Transfer

    /// From where an interrupted adaptation went on.
    public enum Resumption: String, Sendable, Hashable, Codable {
        /// The sub-model was there; training began anew.
        case training
        /// Training was done; the update was handed in, once.
        case submission
    }

    /// A submitted update.
    public struct Update: Sendable, Hashable, Encodable {
        /// Its number.
        public var id: Int64
        /// `pending`, `aggregated` or `quarantined`.
        public var status: UpdateStatus
        /// Whether the registry had it already from an interrupted run.
        public var isReplay: Bool
        /// The key that makes repeated submissions one update.
        public var idempotencyKey: String
        /// The modules in it.
        public var modules: [String]
        /// How their weights are written.
        public var encoding: UpdateEncoding
    }

    /// Bytes between the device and the registry.
    public struct Transfer: Sendable, Hashable, Encodable {
        /// Modules whose weights were fetched.
        public var fetchedModules = 0
        /// Bytes of weights fetched, the selector's included.
        public var fetchedBytes: Int64 = 0
        /// Bytes of weights sent.
        public var uploadedBytes: Int64 = 0
        /// All bytes sent on the connection.
        public var bytesSent: Int64 = 0
        /// All bytes received on the connection.
        public var bytesReceived: Int64 = 0
    }
}
