import Composition
import ECLMCore
import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.CompositionService`: the sub-model for a device, from the catalogue in memory.
struct CompositionService: RPCService {
    let name = CompositionServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        methods = [
            RPCMethod(CompositionServiceAPI.compose) { request, call in
                try await Self.compose(request, call, context)
            }
        ]
    }

    private static func compose(
        _ request: Wire.ComposeRequest, _ call: RPCContext, _ context: ServiceContext
    ) async throws -> Wire.ComposeResponse {
        let release = try await context.catalogue.release(
            of: request.model, ReleaseSelector(request.release), for: request.deviceId ?? call.principal.deviceID)
        var query = try await query(request, call, context, for: release)
        query.importances = try importances(request.importances, of: release.release)
        let started = ContinuousClock.now
        let answer = try release.compose(query)
        let elapsed = started.duration(to: .now)

        var response = Wire.ComposeResponse()
        response.model = request.model
        response.release = Int32(answer.release)
        response.budget = Wire.Budget(query.budget)
        response.solveUs = elapsed.microseconds
        let excluded = request.explain ? answer.excluded.map(Wire.ExcludedModule.init) : []
        switch answer.outcome {
        case .infeasible(let infeasibility):
            response.infeasibility = Wire.Infeasibility(infeasibility)
            response.infeasibility?.excluded = excluded
        case .composed(let modules, let solution):
            let ids = release.moduleVersionIDs(of: modules)
            response.composition = Wire.Composition(modules, ids, solution)
            response.composition?.excluded = excluded
            if let device = request.deviceId {
                context.recorder.record(
                    CompositionEntry(
                        deviceID: device, releaseID: release.releaseID, budget: query.budget,
                        modules: ids, totals: solution.totals,
                        objective: solution.objective, gap: solution.gap))
            }
        }
        return response
    }

    private static func query(
        _ request: Wire.ComposeRequest, _ call: RPCContext, _ context: ServiceContext, for release: StoredRelease
    ) async throws -> CompositionQuery {
        guard request.heldDigests.count <= context.limits.maximumDigests else {
            throw RegistryError(
                .invalidArgument,
                "at most \(context.limits.maximumDigests) held digests, not \(request.heldDigests.count)")
        }
        var query = CompositionQuery(
            budget: request.budget?.core ?? Budget(), held: Set(try request.heldDigests.map { try Digest(bytes: $0) }),
            minimumPerLayer: Int(request.minimumPerLayer))
        let wished: Duration =
            request.timeLimitMs > 0 ? .milliseconds(request.timeLimitMs) : context.limits.defaultSearch
        query.limits = CompositionLimits(time: min(wished, context.limits.maximumSearch, call.remaining))

        let snapshot = context.catalogue.snapshot
        if let device = request.deviceId {
            try call.principal.checkMayAct(as: device)
            let name = try await context.devices.deviceClass(of: device)
            try query.use(deviceClass: name, in: snapshot, for: release)
        } else if let name = request.deviceClass {
            try query.use(deviceClass: name, in: snapshot, for: release)
        }
        if let traits = request.traits {
            guard traits.memory >= 0, traits.flops >= 0 else {
                throw RegistryError(.invalidArgument, "memory and flops of the traits must be at least 0")
            }
            for text in traits.operators {
                if let refusal = NameRule.operator.refusal(of: text) { throw RegistryError(.invalidArgument, refusal) }
            }
            query.traits = try traits.core()
        }
        query.limitByTraits()
        return query
    }

    /// The importances layer by layer: every layer once, or none at all.
    private static func importances(
        _ given: [Wire.LayerImportances], of release: CatalogueRelease
    ) throws -> [[Double]] {
        guard !given.isEmpty else { return [] }
        var layers = [[Double]?](repeating: nil, count: release.layers.count)
        for entry in given {
            guard layers.indices.contains(Int(entry.layer)) else {
                throw RegistryError(
                    .invalidArgument,
                    "importances for layer \(entry.layer); \(release.model) has \(layers.count) layers")
            }
            guard layers[Int(entry.layer)] == nil else {
                throw RegistryError(.invalidArgument, "importances for layer \(entry.layer) are given twice")
            }
            layers[Int(entry.layer)] = entry.importances
        }
        return try layers.enumerated().map { layer, values in
            guard let values else {
                throw RegistryError(.invalidArgument, "no importances for layer \(layer); give every layer or none")
            }
            return values
        }
    }
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }

    /// Whole milliseconds.
    var milliseconds: Int64 { microseconds / 1000 }
}
