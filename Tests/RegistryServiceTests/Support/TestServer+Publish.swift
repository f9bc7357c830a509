import ECLMCore
import PostgreSQL
import Registry
import RegistryProtocol
import RegistryService
import TestSupport

extension TestServer {
    /// The request that published the fixture's model, to be changed and sent again.
    func manifest() -> Wire.PublishRequest {
        var request = Wire.PublishRequest()
        request.model = model.name
        request.summary = model.manifest.summary
        request.layers = model.manifest.layers.map { layer in
            var wire = Wire.ManifestLayer()
            (wire.name, wire.block) = (layer.name, layer.block)
            return wire
        }
        request.modules = model.manifest.modules.map { module in
            var wire = Wire.ManifestModule()
            wire.slot = Wire.ModuleSlot(module.slot)
            wire.name = module.name
            wire.digest = module.digest.bytes
            wire.costs = Wire.ModuleCosts(module.costs)
            wire.requirements = Wire.Requirements(module.requirements)
            wire.importance = module.importance
            return wire
        }
        request.channel = "stable"
        return request
    }

    /// A request that brings some of the modules with new weights, put before.
    func manifest(changing names: [String], seed: UInt64) async throws -> Wire.PublishRequest {
        var request = manifest()
        request.modules = request.modules.filter { names.contains($0.name) }
        for index in request.modules.indices {
            let bytes = try model.weights(of: request.modules[index].name, seed: seed &+ UInt64(index))
            request.modules[index].digest = try await put(bytes).bytes
        }
        return request
    }

    /// Publishes a request.
    @discardableResult
    func publish(_ request: Wire.PublishRequest) async throws -> Wire.PublishResponse {
        try await call(ReleaseServiceAPI.publish) { $0 = request }
    }

    /// Publishes new versions of some modules.
    @discardableResult
    func publish(
        changing names: [String], seed: UInt64, channel: String = "stable"
    ) async throws -> Wire.PublishResponse {
        var request = try await manifest(changing: names, seed: seed)
        request.channel = channel
        return try await publish(request)
    }

    /// The version of each module in a release; the channel's when no number is given.
    func versions(release number: Int32? = nil, channel: String? = nil) async throws -> [String: Int32] {
        let release = try await call(ReleaseServiceAPI.getRelease) {
            $0.model = model.name
            $0.release = Wire.ReleaseSelector()
            $0.release?.number = number
            $0.release?.channel = channel
        }
        let pairs = release.modules.compactMap { $0.version }.map { ($0.module, $0.version) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Releases, newest first.
    func releases() async throws -> [Wire.Release] {
        try await call(ReleaseServiceAPI.listReleases) { $0.model = model.name }.releases
    }

    /// Rows of everything that a publication writes.
    func written() async throws -> [Int64] {
        let row = try await database.pool.query(
            """
            SELECT (SELECT count(*) FROM eclm.models), (SELECT count(*) FROM eclm.module_layers),
                (SELECT count(*) FROM eclm.modules), (SELECT count(*) FROM eclm.module_versions),
                (SELECT count(*) FROM eclm.requirements), (SELECT count(*) FROM eclm.releases),
                (SELECT count(*) FROM eclm.release_modules), (SELECT count(*) FROM eclm.channel_moves),
                (SELECT count(*) FROM eclm.withdrawals), (SELECT count(*) FROM eclm.audit)
            """
        ).one()
        return try (0..<10).map { try row.decode($0) }
    }
}
