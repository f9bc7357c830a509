public import Aggregation
import Composition
public import ECLMCore
import Learning

/// The cloud in memory: the registry's composition and the trainer's aggregation, the very code of the services, without
/// a database or a connection. Bytes are the sizes of files and numbers, without a protocol's framing.
public actor InProcessCloud: Cloud {
    /// A device as the cloud knows it.
    private struct Client {
        /// Files that it keeps.
        var held: Set<Digest> = []
        /// What its updates have not sent yet.
        var residuals: [ModuleSlot: UpdateResidual] = [:]
    }

    private let settings: CloudSettings
    private let encoding: UpdateEncoding
    private let aggregator: ModuleAggregator
    private var release: CatalogueRelease?
    private var blobs: [Digest: [UInt8]] = [:]
    private var clients: [String: Client] = [:]
    private var contributions: [ModuleSlot: [ModuleAggregator.Update]] = [:]
    private var counted = CloudTraffic()

    /// A cloud without a model.
    ///
    /// - Throws: ``ExperimentError`` with `inconsistent` for an encoding that there is not.
    public init(_ settings: CloudSettings = .init(), rule: any AggregationRule = ImportanceWeightedMean()) throws {
        self.settings = settings
        encoding = try settings.updateEncoding()
        aggregator = ModuleAggregator(rule: rule)
    }

    /// Bytes of a number in a request: scores and importances are sent in double precision.
    private static let bytesPerNumber: Int64 = 8

    /// Publishes a prototype; see ``Cloud/publish(_:)``.
    public func publish(_ prototype: CloudPrototype) throws -> CloudRelease {
        guard release == nil else { throw ExperimentError.alreadyPublished }
        for module in prototype.manifest.modules {
            guard let bytes = prototype.blobs[module.digest], Digest.of(bytes) == module.digest else {
                throw ExperimentError(
                    .inconsistent, "the file of \(module.name) is missing, or is not what its digest says")
            }
            blobs[module.digest] = bytes
        }
        let modules = prototype.manifest.modules.map { module in
            CatalogueModule(
                module: module.name, slot: module.slot, version: 1, digest: module.digest, costs: module.costs,
                requirements: module.requirements, importance: module.importance)
        }
        let first = CatalogueRelease(model: prototype.manifest.model, number: 1, modules: modules)
        release = first
        return first.cloudRelease
    }

    /// Makes a device known.
    public func join(_ device: String) {
        if clients[device] == nil { clients[device] = Client() }
    }

    /// The selector of the current release.
    public func selector(for device: String) throws -> [UInt8] {
        let selector = try module(.selector)
        var client = try client(device)
        let bytes = try blob(selector.digest)
        deliver(selector.digest, bytes, to: &client)
        clients[device] = client
        return bytes
    }

    /// The best sub-model within a budget; the answer is always proved.
    public func compose(_ request: CloudRequest) throws -> CloudComposition {
        let release = try current()
        let client = try client(request.device)
        let query = CompositionQuery(
            budget: request.budget, importances: request.importances, limits: .none)
        switch try release.compose(query).outcome {
        case .infeasible(let infeasibility):
            throw ExperimentError.infeasible(request, infeasibility.message)
        case .composed(let chosen, let solution):
            if !request.isTrial {
                counted.up += request.importances.reduce(0) { $0 + Int64($1.count) } * Self.bytesPerNumber
            }
            return CloudComposition(
                release: release.number, layers: release.layers.count,
                digests: Dictionary(uniqueKeysWithValues: chosen.map { ($0.module.slot, $0.module.digest) }),
                bytes: solution.totals.fetchBytes,
                fetchBytes: chosen.reduce(0) {
                    $0 + (client.held.contains($1.module.digest) ? 0 : $1.module.costs.bytes)
                })
        }
    }

    /// The files of a composition.
    public func fetch(_ composition: CloudComposition, for device: String) throws -> [ModuleSlot: [UInt8]] {
        var client = try client(device)
        var files: [ModuleSlot: [UInt8]] = [:]
        for (slot, digest) in composition.digests {
            let bytes = try blob(digest)
            // The selector came before the composition, and counted then.
            if slot.kind != .selector { deliver(digest, bytes, to: &client) }
            files[slot] = bytes
        }
        // A device keeps what its sub-model is made of, and no more.
        client.held = settings.holdsModules ? Set(composition.digests.values) : []
        clients[device] = client
        return files
    }

    /// Encodes and keeps an update for the current round.
    public func submit(_ update: CloudUpdate) throws {
        var client = try client(update.device)
        for slot in update.trained.keys.sorted() {
            guard let trained = update.trained[slot], let base = update.composition.digests[slot] else {
                throw ExperimentError.notComposed(slot)
            }
            // As an edge client does: a module that training did not change is not part of the update.
            guard Digest.of(trained) != base else { continue }
            let file = try UpdateEncoder.encode(
                trained: trained, base: blob(base), as: encoding, fraction: settings.fraction,
                residual: &client.residuals[slot])
            let importance = slot.layer.map { update.importances[$0][slot.index] } ?? 1
            contributions[slot, default: []].append(
                ModuleAggregator.Update(
                    file: file, encoding: encoding, base: try blob(base), importance: importance,
                    sampleCount: Int64(update.sampleCount)))
            counted.up += Int64(file.count)
            counted.upAsFullWeights += Int64(trained.count)
        }
        clients[update.device] = client
    }

    /// Aggregates the round's updates into a new release.
    public func closeRound() async throws -> CloudRelease {
        let current = try current()
        guard !contributions.isEmpty else { return current.cloudRelease }
        let updates = contributions
        contributions = [:]
        var modules: [CatalogueModule] = []
        for var module in current.shared + current.layers.flatMap({ $0 }) {
            if let parts = updates[module.slot] {
                let aggregate = try await aggregator.aggregate(
                    parts, of: module.slot.kind, onto: blob(module.digest))
                let digest = Digest.of(aggregate.file)
                if digest != module.digest {
                    blobs[digest] = aggregate.file
                    module.digest = digest
                    module.version += 1
                }
            }
            modules.append(module)
        }
        let next = CatalogueRelease(model: current.model, number: current.number + 1, modules: modules)
        release = next
        let kept = Set(modules.map(\.digest))
        // Bases of devices that hold older versions are not needed: a device composes anew before it trains.
        blobs = blobs.filter { kept.contains($0.key) }
        return next.cloudRelease
    }

    /// Bytes so far.
    public func traffic() -> CloudTraffic { counted }

    /// A module of the current release, uncounted.
    public func file(of slot: ModuleSlot) throws -> [UInt8] { try blob(try module(slot).digest) }

    private func deliver(_ digest: Digest, _ bytes: [UInt8], to client: inout Client) {
        counted.downWithoutHeld += Int64(bytes.count)
        guard !(settings.holdsModules && client.held.contains(digest)) else { return }
        counted.down += Int64(bytes.count)
        client.held.insert(digest)
    }

    private func current() throws -> CatalogueRelease {
        guard let release else { throw ExperimentError.notPublished }
        return release
    }

    private func module(_ slot: ModuleSlot) throws -> CatalogueModule {
        let release = try current()
        let modules = slot.layer.map { release.layers.indices.contains($0) ? release.layers[$0] : [] } ?? release.shared
        guard let module = modules.first(where: { $0.slot == slot }) else {
            throw ExperimentError.noModule(slot, of: release.model)
        }
        return module
    }

    private func client(_ device: String) throws -> Client {
        guard let client = clients[device] else {
            throw ExperimentError.notJoined(device)
        }
        return client
    }

    private func blob(_ digest: Digest) throws -> [UInt8] {
        guard let bytes = blobs[digest] else {
            throw ExperimentError(
                .inconsistent, "the weights \(digest) are not of the current release; compose again after a round")
        }
        return bytes
    }
}

extension CatalogueRelease {
    /// The release as devices see it.
    var cloudRelease: CloudRelease {
        CloudRelease(
            number: number,
            digests: Dictionary(uniqueKeysWithValues: (shared + layers.flatMap { $0 }).map { ($0.slot, $0.digest) }))
    }
}
