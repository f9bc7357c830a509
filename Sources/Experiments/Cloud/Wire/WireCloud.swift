import Development
public import ECLMCore
import EdgeClient
import Fleets
import Foundation
import Registry

/// The cloud over the wire: a real registryd and PostgreSQL, an edge client a device, and a round of the real trainer.
/// Bytes are those on the devices' connections, the protocol's framing included.
public actor WireCloud: Cloud {
    private let services: WireServices
    private let settings: CloudSettings
    private let encoding: UpdateEncoding
    private let directory: String
    private let deviceClass: String
    /// The model's name in the registry: the manifest's with a mark, since several clouds may share the services.
    private var model = ""
    private var release: CloudRelease?
    private var names: [ModuleSlot: String] = [:]
    private var sizes: [Digest: Int64] = [:]
    private var devices: [String: WireDevice] = [:]
    private var pending = 0
    private var unsentAsFull: Int64 = 0
    private var heldBytes: Int64 = 0
    /// Who asks what the registry serves; see ``observer()``.
    private var watcher: WireDevice?

    /// A cloud without a model.
    ///
    /// - Parameter directory: Where devices keep their state.
    /// - Throws: ``ExperimentError`` with `inconsistent` for an encoding that there is not.
    public init(_ settings: CloudSettings = .init(), services: WireServices, directory: String) throws {
        self.services = services
        self.settings = settings
        encoding = try settings.updateEncoding()
        self.directory = directory
        deviceClass = "experiment-\(UUID().uuidString.lowercased().prefix(8))"
    }

    /// Closes the devices' connections and removes their state.
    public func close() {
        for device in devices.values { device.close() }
        devices = [:]
        watcher?.close()
        watcher = nil
        try? FileManager.default.removeItem(atPath: directory)
    }

    private var provenance: Provenance { Provenance(actor: "experiment", reason: "an experiment over the wire") }

    /// See ``Cloud``.
    public func publish(_ prototype: CloudPrototype) async throws -> CloudRelease {
        guard release == nil else { throw ExperimentError.alreadyPublished }
        let registry = services.registry
        var manifest = prototype.manifest
        manifest.model += "-" + deviceClass.suffix(8)
        model = manifest.model
        let number: Int
        do {
            for module in manifest.modules {
                guard let bytes = prototype.blobs[module.digest] else {
                    throw ExperimentError(.inconsistent, "the file of \(module.name) is missing")
                }
                try await registry.blobs.put(bytes, digest: module.digest)
                sizes[module.digest] = Int64(bytes.count)
            }
            // A device that can run everything: budgets alone decide.
            let requirements = manifest.modules.map(\.requirements)
            _ = try await registry.defineDeviceClass(
                deviceClass,
                traits: DeviceTraits(
                    memory: 1 << 50, flops: 1 << 50, dtypes: Set(ElementType.allCases),
                    operators: requirements.reduce(into: []) { $0.formUnion($1.operators) },
                    runtime: requirements.map(\.minimumRuntime).max() ?? RuntimeVersion(0)),
                as: provenance)
            number = try await registry.publish(manifest, channel: "stable", as: provenance).release.number
        } catch let error as RegistryError {
            throw ExperimentError(.inconsistent, "the prototype cannot be published: \(error.message)", cause: error)
        }
        return try await enter(number)
    }

    /// See ``Cloud``.
    public func join(_ device: String) async throws {
        guard devices[device] == nil else { return }
        devices[device] = try await WireDevice.join(
            "\(device).\(deviceClass.suffix(8))", class: deviceClass, endpoint: services.endpoints.registry,
            directory: "\(directory)/\(device)")
    }

    /// See ``Cloud``.
    public func selector(for device: String) async throws -> [UInt8] {
        let release = try current()
        let client = try self.device(device).client
        if !settings.holdsModules { try self.device(device).forget() }
        let fetched = try await client.sharedModule(.selector, of: model, source: .release(Int32(release.number)))
        heldBytes += (sizes[fetched.digest] ?? 0) - fetched.fetchedBytes
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: fetched.path)))
    }

    /// See ``Cloud``.
    public func compose(_ request: CloudRequest) async throws -> CloudComposition {
        let release = try current()
        var device = try device(request.device)
        let before = device.client.registry.traffic
        // A size cap is of the whole sub-model: what the device holds of it counts.
        let pull = PullRequest(
            model: model, source: .release(Int32(release.number)), budget: request.budget,
            importances: request.importances, countsHeld: true)
        let answer: SubModelComposition
        do {
            answer = try await device.client.compose(pull)
        } catch let error as EdgeError where error.code == .infeasible {
            throw ExperimentError.infeasible(request, error.message, cause: error)
        }
        if request.isTrial {
            device.uncounted = device.uncounted + (device.client.registry.traffic - before)
        } else {
            device.composed = (pull, answer)
        }
        devices[request.device] = device
        return try composition(answer, layers: request.importances.count)
    }

    private func composition(_ composed: SubModelComposition, layers: Int) throws -> CloudComposition {
        var digests: [ModuleSlot: Digest] = [:]
        for module in composed.modules {
            guard names[module.slot] == module.module else {
                throw ExperimentError(.inconsistent, "the registry composed \(module.module), which was not published")
            }
            digests[module.slot] = module.digest
        }
        return CloudComposition(
            release: Int(composed.release), layers: layers, digests: digests,
            bytes: composed.modules.reduce(0) { $0 + $1.bytes }, fetchBytes: composed.totals.fetchBytes ?? 0)
    }

    /// See ``Cloud``.
    public func fetch(_ composition: CloudComposition, for name: String) async throws -> [ModuleSlot: [UInt8]] {
        let device = try device(name)
        guard let (request, answer) = device.composed, Int(answer.release) == composition.release else {
            throw ExperimentError(.notReady, "device \(name) has not composed from release \(composition.release)")
        }
        let pulled = try await device.client.pull(answer, of: request, to: device.subModel, overwrites: true)
        var files: [ModuleSlot: [UInt8]] = [:]
        for module in pulled.manifest.modules {
            guard composition.digests[module.slot] == module.digest else {
                throw ExperimentError(.notReady, "device \(name) has composed something else since; compose again")
            }
            files[module.slot] = [UInt8](
                try Data(contentsOf: URL(fileURLWithPath: "\(pulled.directory)/\(module.file)")))
        }
        // The selector came before the composition, and counted then.
        let selector = pulled.manifest.modules.filter { $0.slot.kind == .selector }.reduce(0) { $0 + $1.bytes }
        heldBytes += max(0, composition.bytes - selector - pulled.fetchedBytes)
        // A device keeps what its sub-model is made of, and no more.
        _ = try await device.client.pruneCache()
        return files
    }

    /// See ``Cloud``.
    public func submit(_ update: CloudUpdate) async throws {
        let device = try device(update.device)
        var files: [String: [UInt8]] = [:]
        for (slot, bytes) in update.trained {
            guard update.composition.digests[slot] != nil, let name = names[slot] else {
                throw ExperimentError.notComposed(slot)
            }
            files[name] = bytes
        }
        let result: SubmitResult
        do {
            result = try await device.client.submit(
                Submission(
                    subModelDirectory: device.subModel, weights: .directory(device.write(files)),
                    sampleCount: Int64(update.sampleCount), importances: update.importances,
                    encoding: encoding, fraction: settings.fraction))
        } catch let error as EdgeError where error.code == .invalidWeights || error.code == .refused {
            throw ExperimentError(.refused, "the update of \(update.device): \(error.message)", cause: error)
        }
        let full = result.modules.reduce(0) { $0 + Int64(files[$1]?.count ?? 0) }
        unsentAsFull += full - result.uploadedBytes
        pending += result.isReplay ? 0 : 1
    }

    /// See ``Cloud``.
    public func closeRound() async throws -> CloudRelease {
        let before = try current()
        guard pending > 0 else { return before }
        let rounds = try await services.train(model: model)
        let refused = rounds.flatMap(\.quarantined).map(\.reason)
        guard refused.isEmpty else {
            throw ExperimentError(.refused, "the trainer quarantined updates: \(refused.joined(separator: "; "))")
        }
        guard rounds.count == 1, let round = rounds.first, round.updates.count == pending else {
            throw ExperimentError(
                .inconsistent,
                "the trainer took \(rounds.map { $0.updates.count }) updates in \(rounds.count) rounds, not \(pending) in one"
            )
        }
        pending = 0
        guard let number = round.release else { return before }
        return try await enter(number)
    }

    /// See ``Cloud``.
    public func traffic() -> CloudTraffic {
        let all = devices.values.map(\.traffic)
        let up = all.reduce(0) { $0 + $1.sent }
        let down = all.reduce(0) { $0 + $1.received }
        return CloudTraffic(
            up: up, down: down, upAsFullWeights: up + unsentAsFull, downWithoutHeld: down + heldBytes)
    }

    /// See ``Cloud``.
    public func file(of slot: ModuleSlot) async throws -> [UInt8] {
        guard let digest = try current().digests[slot], let size = sizes[digest] else {
            throw ExperimentError.noModule(slot, of: model)
        }
        return try await services.registry.blobs.read(digest, range: 0..<size)
    }

    /// Makes a release the current one: reads what it holds, and waits until the registry's servers compose from it.
    private func enter(_ number: Int) async throws -> CloudRelease {
        var digests: [ModuleSlot: Digest] = [:]
        var token = ""
        repeat {
            let listing = try await services.registry.modules(
                of: model, release: .number(number), page: PageRequest(size: PageRequest.maximumSize, token: token))
            for module in listing.modules.items {
                digests[module.version.slot] = module.version.digest
                names[module.version.slot] = module.version.module
                sizes[module.version.digest] = module.version.costs.bytes
            }
            token = listing.modules.nextToken
        } while !token.isEmpty
        try await waitUntilServed(number)
        let release = CloudRelease(number: number, digests: digests)
        self.release = release
        return release
    }

    private func waitUntilServed(_ number: Int) async throws {
        let observer = try await observer()
        let deadline = ContinuousClock.now + .seconds(60)
        var known: Int32 = 0
        while known != Int32(number) {
            guard ContinuousClock.now < deadline else {
                throw ExperimentError(.unavailable, "registryd does not serve release \(number) of \(model) after 60 s")
            }
            do {
                known = try await observer.waitForRelease(
                    model: model, channel: "stable", after: known, wait: .seconds(2))
            } catch let error as EdgeError where error.code == .notFound {
                // A new model reaches the server's catalogue a moment after its publication.
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// A client whose bytes count for nobody.
    private func observer() async throws -> EdgeClient {
        if let observer = watcher { return observer.client }
        let observer = try await WireDevice.join(
            "observer.\(deviceClass.suffix(8))", class: deviceClass, endpoint: services.endpoints.registry,
            directory: "\(directory)/.observer")
        watcher = observer
        return observer.client
    }

    private func current() throws -> CloudRelease {
        guard let release else { throw ExperimentError.notPublished }
        return release
    }

    private func device(_ name: String) throws -> WireDevice {
        guard let device = devices[name] else {
            throw ExperimentError.notJoined(name)
        }
        return device
    }
}
