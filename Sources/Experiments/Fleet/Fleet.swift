import Datasets
import ECLMCore
import Learning

/// Everything that a run of a method works on: devices, network, costs, and what the cloud has trained before.
struct Fleet: Sendable {
    /// What it is for: `m2/3`, `m2/3 pseudo`; for messages.
    var name: String
    /// The cloud's network.
    var network: NetworkSpecification
    var devices: [FleetDevice]
    /// The seed of everything drawn in the run.
    var seed: UInt64
    /// Rounds, epochs, batches.
    var federation: FederationSettings
    /// What the parts of the network cost.
    var costs: CostTable
    /// What the cloud has trained on proxy data.
    var artifacts: Artifacts
    /// How our method exchanges weights.
    var exchange: CloudSettings
    /// Makes the cloud of a run of ours.
    var makeCloud: @Sendable (CloudSettings, _ name: String) async throws -> any Cloud
    /// Whether it only compares hyperparameters: then no curve and no cost of training is measured.
    var isTrial = false
    /// Whether points of the curve are measured.
    var measuresCurve = true
    /// Called at every step that takes a while, with what was done: one device trained.
    var onProgress: @Sendable () -> Void = {}

    /// What random numbers are drawn for; each has streams of its own.
    enum Purpose: UInt64 {
        case participants = 1, roundTraining, fineTuning, randomModules, paths, evaluation, pseudoDevices, cloudTraining
    }

    /// A stream of random numbers.
    func random(_ purpose: Purpose, _ first: Int = 0, _ second: Int = 0) -> SplitMix64 {
        SplitMix64(seed: seed, path: purpose.rawValue, UInt64(first), UInt64(second))
    }

    /// A seed for somebody else's stream.
    func seed(_ purpose: Purpose, _ first: Int = 0, _ second: Int = 0) -> UInt64 {
        var generator = random(purpose, first, second)
        return generator.next()
    }

    /// The devices of a round, counted from 1: the same for every method.
    func participants(round: Int) -> [FleetDevice] {
        var generator = random(.participants, round)
        let count = min(federation.devicesPerRound, devices.count)
        return generator.shuffled(devices.indices).prefix(count).sorted().map { devices[$0] }
    }

    /// The devices that points of the curve are measured on: the same for every method.
    var evaluated: [FleetDevice] {
        var generator = random(.evaluation)
        return generator.shuffled(devices.indices).prefix(federation.evaluationDevices).sorted().map { devices[$0] }
    }

    /// Whether the curve has a point after a round.
    func isEvaluated(round: Int) -> Bool {
        guard !isTrial, measuresCurve else { return false }
        return round % federation.evaluationInterval == 0 || round == federation.rounds
    }
}

extension Fleet {
    /// Runs a variant of ours with a cloud of its own: its prototype is published, its devices have joined. The cloud is
    /// closed afterwards.
    func withCloud<Result>(
        for variant: ModularVariant, _ name: String, devices: [String], _ body: (ModularDevices) async throws -> Result
    ) async throws -> Result {
        let cloud = try await makeCloud(variant.exchange(exchange), "\(self.name) \(name)")
        do {
            let prototype = try cloudPrototype(of: variant)
            _ = try await cloud.publish(prototype)
            for device in devices { try await cloud.join(device) }
            let result = try await body(
                ModularDevices(
                    fleet: self, cloud: cloud, variant: variant,
                    fullModel: prototype.bytes))
            await cloud.close()
            return result
        } catch {
            await cloud.close()
            throw error
        }
    }

    /// The modular network that the cloud has trained, as a variant publishes it.
    func cloudPrototype(of variant: ModularVariant) throws -> CloudPrototype {
        let network = try artifacts[variant.prototype].network(network, gating: .selector)
        let publication = try NetworkPublication(network, costs: costs.costs, dtype: variant.dtype)
        return CloudPrototype(manifest: publication.manifest, blobs: publication.blobs)
    }
}
