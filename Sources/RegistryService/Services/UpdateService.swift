import ECLMCore
import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.UpdateService`: what devices learned.
struct UpdateService: RPCService {
    let name = UpdateServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let registry = context.registry
        methods = [
            RPCMethod(UpdateServiceAPI.submit, role: .device) { request, call in
                try call.principal.checkMayAct(as: request.deviceId)
                let result = try await registry.submit(try request.submission())
                var response = Wire.SubmitResponse()
                response.updateId = result.updateID.rawValue
                response.replayed = result.replayed
                response.status = result.status.rawValue
                return response
            },
            RPCMethod(UpdateServiceAPI.getUpdate, role: .reader) { request, _ in
                Wire.Update(try await registry.update(UpdateID(request.updateId)))
            },
            RPCMethod(UpdateServiceAPI.listUpdates, role: .reader) { request, _ in
                let status = try request.status.map { (text) throws(RegistryError) in
                    guard let status = UpdateStatus(rawValue: text) else {
                        throw RegistryError(
                            .invalidArgument,
                            "status \(text.debugDescription) is not one of "
                                + UpdateStatus.allCases.map(\.rawValue).joined(separator: ", "))
                    }
                    return status
                }
                let page = try await registry.updates(
                    of: request.model, device: request.deviceId, status: status, page: PageRequest(request.page))
                var response = Wire.ListUpdatesResponse()
                response.updates = page.items.map(Wire.Update.init)
                response.nextPageToken = page.nextToken
                return response
            },
        ]
    }
}

extension Wire.SubmitRequest {
    /// The submission meant.
    func submission() throws -> UpdateSubmission {
        return UpdateSubmission(
            deviceID: deviceId, model: model, baseRelease: Int(baseRelease), idempotencyKey: idempotencyKey,
            sampleCount: sampleCount, metrics: try metrics.byName(),
            modules: try modules.map { module in
                UpdateSubmission.Module(
                    module: module.module, baseVersion: Int(module.baseVersion),
                    digest: try Digest(bytes: module.digest),
                    encoding: module.encoding, importance: module.importance,
                    sampleCount: module.sampleCount == 0 ? sampleCount : module.sampleCount,
                    lineage: module.lineage.isEmpty ? nil : try Digest(bytes: module.lineage))
            })
    }
}

extension [Wire.Metric] {
    /// The values by name.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` for a name that is given twice.
    func byName() throws(RegistryError) -> [String: Double] {
        var values: [String: Double] = [:]
        for metric in self {
            guard values.updateValue(metric.value, forKey: metric.name) == nil else {
                throw RegistryError(.invalidArgument, "metric \(metric.name.debugDescription) is given twice")
            }
        }
        return values
    }
}
