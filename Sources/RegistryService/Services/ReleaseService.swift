import ECLMCore
import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.ReleaseService`: releases, publication and rollback.
struct ReleaseService: RPCService {
    let name = ReleaseServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let registry = context.registry
        methods = [
            RPCMethod(ReleaseServiceAPI.listReleases) { request, _ in
                let page = try await registry.releases(of: request.model, page: PageRequest(request.page))
                var response = Wire.ListReleasesResponse()
                response.releases = page.items.map(Wire.Release.init)
                response.nextPageToken = page.nextToken
                return response
            },
            RPCMethod(ReleaseServiceAPI.getRelease) { request, call in
                let selector = context.selector(
                    ReleaseSelector(request.release), of: request.model, for: try context.device(request.deviceId, call)
                )
                let release = try await registry.release(of: request.model, selector)
                var response = Wire.GetReleaseResponse()
                response.release = Wire.Release(release)
                var page = try PageRequest(size: PageRequest.maximumSize)
                repeat {
                    // By number: the channel may move between two pages.
                    let listing = try await registry.modules(
                        of: request.model, release: .number(release.number), page: page)
                    response.modules += listing.modules.items.map(Wire.ReleasedModule.init)
                    page.token = listing.modules.nextToken
                } while !page.token.isEmpty
                return response
            },
            RPCMethod(ReleaseServiceAPI.publish) { request, call in
                let result = try await registry.publish(
                    try request.manifest(), channel: request.channel.isEmpty ? nil : request.channel,
                    as: context.provenance(call, reason: request.reason))
                await context.catalogue.refreshAfterChange()
                var response = Wire.PublishResponse()
                response.release = Wire.Release(result.release)
                response.newVersions = Int32(result.newVersions)
                response.keptVersions = Int32(result.keptVersions)
                return response
            },
            RPCMethod(ReleaseServiceAPI.rollback) { request, call in
                let result = try await registry.rollback(
                    request.model, channel: request.channel, to: try request.target(), reinstate: request.reinstate,
                    as: context.provenance(call, reason: request.reason))
                await context.catalogue.refreshAfterChange()
                var response = Wire.RollbackResponse()
                response.release = Wire.Release(result.release)
                response.changes = result.changes.map(Wire.ModuleChange.init)
                return response
            },
        ]
    }
}

extension Wire.PublishRequest {
    /// The manifest meant; tensors come from the blobs.
    func manifest() throws -> ModelManifest {
        ModelManifest(
            model: model, summary: summary, layers: layers.map { .init(name: $0.name, block: $0.block) },
            modules: try modules.map { module in
                guard let slot = module.slot else { throw MappingError("module \(module.name) has no slot") }
                return ModelManifest.Module(
                    slot: try slot.core(), name: module.name, digest: try Digest(bytes: module.digest), tensors: [],
                    costs: module.costs?.core ?? ModuleCosts(bytes: 0, parameters: 0, flops: 0, peakMemory: 0),
                    requirements: try module.requirements?.core() ?? Requirements(), importance: module.importance)
            })
    }
}

extension Wire.RollbackRequest {
    /// What to go back to.
    ///
    /// - Throws: ``MappingError`` unless exactly one of release and modules is given.
    func target() throws(MappingError) -> RollbackTarget {
        switch (toRelease, modules.isEmpty) {
        case (.some(let release), true): return .release(Int(release))
        case (nil, false):
            var targets: [String: Int?] = [:]
            for module in modules {
                guard targets.updateValue(module.version.map(Int.init), forKey: module.module) == nil else {
                    throw MappingError("module \(module.module) is given twice")
                }
            }
            return .modules(targets)
        default: throw MappingError("give a release to go back to, or modules: exactly one of them")
        }
    }
}
