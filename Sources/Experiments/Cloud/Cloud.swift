public import ECLMCore

/// The cloud as our method sees it: a registry to compose and fetch from, and a trainer that folds updates.
///
/// Two implementations run the same code of composition and aggregation: ``InProcessCloud`` without a network, and one
/// over the wire through the real services. Equal calls in equal order give equal weights on both.
///
/// One run of an experiment uses one cloud, and calls it from one task, one call at a time.
public protocol Cloud: Sendable {
    /// Publishes a prototype as the first release. Call it once, before everything else.
    ///
    /// - Throws: ``ExperimentError`` for a manifest whose blobs are missing or differ from their digests.
    func publish(_ prototype: CloudPrototype) async throws -> CloudRelease

    /// Makes a device known. A device joins before it asks for anything; joining again changes nothing.
    func join(_ device: String) async throws

    /// The selector of the current release, a safetensors file; the bytes count for the device unless it holds it.
    func selector(for device: String) async throws -> [UInt8]

    /// The best sub-model of the current release within the device's budget.
    ///
    /// - Throws: ``ExperimentError`` with `infeasible` where no sub-model fits, which says what is short by how much.
    func compose(_ request: CloudRequest) async throws -> CloudComposition

    /// The files of a composition; those that the device holds already are not transferred again.
    func fetch(_ composition: CloudComposition, for device: String) async throws -> [ModuleSlot: [UInt8]]

    /// Encodes what a device learned against what it fetched, and submits it for the current round.
    ///
    /// What an encoding leaves unsent of a module stays with the device and goes into its next update of that module.
    func submit(_ update: CloudUpdate) async throws

    /// Folds all updates submitted since the last round into a new release, and makes it the current one.
    ///
    /// Without any update the release stays.
    func closeRound() async throws -> CloudRelease

    /// Bytes of all devices so far.
    func traffic() async throws -> CloudTraffic

    /// The file of a module in the current release, for evaluation; the bytes count for nobody.
    func file(of slot: ModuleSlot) async throws -> [UInt8]

    /// Gives back what the cloud holds for its devices, after the run; nothing can be asked of it then.
    func close() async
}

extension Cloud {
    /// Nothing: what is in memory goes with the cloud.
    public func close() async {}
}

/// A prototype as the offline stage leaves it.
public struct CloudPrototype: Sendable {
    /// The model, its modules and their costs.
    public var manifest: ModelManifest
    /// The safetensors file of every module of the manifest.
    public var blobs: [Digest: [UInt8]]

    /// The size of all modules in bytes.
    var bytes: Int64 { manifest.modules.reduce(0) { $0 + $1.costs.bytes } }

    public init(manifest: ModelManifest, blobs: [Digest: [UInt8]]) {
        self.manifest = manifest
        self.blobs = blobs
    }
}

/// What devices compose from at one time.
public struct CloudRelease: Sendable, Hashable {
    /// The release's number, from 1.
    public var number: Int
    /// The weights of every module.
    public var digests: [ModuleSlot: Digest]

    public init(number: Int, digests: [ModuleSlot: Digest]) {
        self.number = number
        self.digests = digests
    }
}

/// A device's question.
public struct CloudRequest: Sendable, Hashable {
    /// Who asks.
    public var device: String
    /// What the device's data makes of every module, layer by layer, experts first, then the bypass where there is one.
    public var importances: [[Double]]
    /// What the device may spend, shared parts included. Its ``ECLMCore/Budget/fetchBytes`` limits the size of the whole
    /// sub-model: the cloud composes as if the device held nothing, and only the fetch leaves out what it holds.
    public var budget: Budget
    /// Whether an experiment asks, and no device: to measure what the device would get. The bytes count for nobody.
    public var isTrial: Bool

    public init(device: String, importances: [[Double]], budget: Budget, isTrial: Bool = false) {
        self.device = device
        self.importances = importances
        self.budget = budget
        self.isTrial = isTrial
    }
}

/// A sub-model as it was composed.
public struct CloudComposition: Sendable, Hashable {
    /// The release that it was composed from.
    public var release: Int
    /// The modules present in each layer, ascending, by their index in the layer.
    public var modules: [[Int]]
    /// The weights of every part, shared parts included.
    public var digests: [ModuleSlot: Digest]
    /// Size of all its files.
    public var bytes: Int64
    /// Bytes of the files that the device did not hold when it asked.
    public var fetchBytes: Int64

    /// A composition of a network with so many layers from its parts, each in a layer that there is.
    public init(release: Int, layers: Int, digests: [ModuleSlot: Digest], bytes: Int64, fetchBytes: Int64) {
        self.release = release
        var modules = [[Int]](repeating: [], count: layers)
        for slot in digests.keys {
            if let layer = slot.layer { modules[layer].append(slot.index) }
        }
        self.modules = modules.map { $0.sorted() }
        self.digests = digests
        self.bytes = bytes
        self.fetchBytes = fetchBytes
    }
}

/// What a device learned.
public struct CloudUpdate: Sendable {
    /// Who learned it.
    public var device: String
    /// The sub-model that was trained, as it was composed.
    public var composition: CloudComposition
    /// The trained weights as safetensors files of single precision; parts that were not trained are left out.
    public var trained: [ModuleSlot: [UInt8]]
    /// The importances that the sub-model was composed with.
    public var importances: [[Double]]
    /// Samples it was trained on, at least 1.
    public var sampleCount: Int

    public init(
        device: String, composition: CloudComposition, trained: [ModuleSlot: [UInt8]], importances: [[Double]],
        sampleCount: Int
    ) {
        self.device = device
        self.composition = composition
        self.trained = trained
        self.importances = importances
        self.sampleCount = sampleCount
    }
}

/// Bytes between all devices and the cloud.
public struct CloudTraffic: Sendable, Hashable, Codable {
    /// From devices to the cloud.
    public var up: Int64
    /// From the cloud to devices.
    public var down: Int64
    /// What ``up`` would be with full weights of single precision.
    public var upAsFullWeights: Int64
    /// What ``down`` would be if devices kept no module from one pull to the next.
    public var downWithoutHeld: Int64

    public init(up: Int64 = 0, down: Int64 = 0, upAsFullWeights: Int64 = 0, downWithoutHeld: Int64 = 0) {
        self.up = up
        self.down = down
        self.upAsFullWeights = upAsFullWeights
        self.downWithoutHeld = downWithoutHeld
    }
}
