import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.ModelService`: what models there are, and what they are made of.
struct ModelService: RPCService {
    let name = ModelServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let registry = context.registry
        methods = [
            RPCMethod(ModelServiceAPI.listModels) { request, _ in
                let page = try await registry.models(
                    nameContaining: request.nameContains, page: PageRequest(request.page))
                var response = Wire.ListModelsResponse()
                response.models = page.items.map(Wire.Model.init)
                response.nextPageToken = page.nextToken
                return response
            },
            RPCMethod(ModelServiceAPI.getModel) { request, _ in
                Wire.GetModelResponse(Wire.Model(try await registry.model(request.model)))
            },
            RPCMethod(ModelServiceAPI.listModules) { request, call in
                let selector = context.selector(
                    ReleaseSelector(request.release), of: request.model, for: try context.device(request.deviceId, call)
                )
                let filter = ModuleFilter(
                    kind: try request.kind.map { (kind) throws(MappingError) in try kind.core() },
                    layer: request.layer.map(Int.init), nameContains: request.nameContains)
                let listing = try await registry.modules(
                    of: request.model, release: selector, filter: filter,
                    page: PageRequest(request.page))
                var response = Wire.ListModulesResponse()
                response.release = Int32(listing.release.number)
                response.modules = listing.modules.items.map(Wire.ReleasedModule.init)
                response.nextPageToken = listing.modules.nextToken
                return response
            },
        ]
    }
}
