import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.VersionService`: the history and lineage of modules.
struct VersionService: RPCService {
    let name = VersionServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let registry = context.registry
        methods = [
            RPCMethod(VersionServiceAPI.listVersions) { request, _ in
                let page = try await registry.versions(
                    of: request.model, module: request.module, page: PageRequest(request.page))
                var response = Wire.ListVersionsResponse()
                response.versions = page.items.map(Wire.ModuleVersion.init)
                response.nextPageToken = page.nextToken
                return response
            },
            RPCMethod(VersionServiceAPI.getVersion) { request, _ in
                let record = try await registry.version(
                    of: request.model, module: request.module, version: Int(request.version))
                return Wire.GetVersionResponse(Wire.ModuleVersion(record))
            },
            RPCMethod(VersionServiceAPI.getLineage) { request, _ in
                let lineage = try await registry.lineage(
                    of: request.model, module: request.module, version: Int(request.version),
                    direction: request.descendants ? .descendants : .ancestors,
                    limit: request.limit == 0 ? 1000 : Int(request.limit))
                var response = Wire.GetLineageResponse()
                response.edges = lineage.edges.map(Wire.LineageEdge.init)
                response.truncated = lineage.truncated
                return response
            },
        ]
    }
}
