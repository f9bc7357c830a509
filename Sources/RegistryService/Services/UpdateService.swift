import ECLMCore
import NIOCore
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
            RPCMethod(
                UpdateServiceAPI.submit,
                attachments: { request, attachment, call in
                    try call.principal.checkMayAct(as: request.deviceId)
                    let result = try await registry.submit(
                        try request.submission(), attached: try request.batch(of: attachment))
                    var response = Wire.SubmitResponse()
                    response.updateId = result.updateID.rawValue
                    (response.replayed, response.encodedOtherwise) = (result.replayed, result.encodedOtherwise)
                    (response.status, response.updateStatus) = (result.status.rawValue, result.status.number)
                    response.storedBytes = result.storedBytes
                    return (response, ByteBuffer())
                }),
            RPCMethod(UpdateServiceAPI.getUpdate) { request, _ in
                Wire.GetUpdateResponse(Wire.Update(try await registry.update(UpdateID(request.updateId))))
            },
            RPCMethod(UpdateServiceAPI.listUpdates) { request, _ in
                let status = try request.wantedStatus()
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

extension Wire.ListUpdatesRequest {
    /// The status asked for; `nil` for updates of every status.
    fileprivate func wantedStatus() throws(MappingError) -> UpdateStatus? {
        guard updateStatus != nil || status != nil else { return nil }
        return try UpdateStatus(number: updateStatus, text: status ?? "")
    }
}

extension Wire.TrainedModule {
    fileprivate func checkedEncoding() throws(RegistryError) -> UpdateEncoding {
        do throws(MappingError) {
            return try UpdateEncoding(number: updateEncoding, text: encoding)
        } catch {
            throw RegistryError(.invalidArgument, "module \(module.debugDescription): \(error.description)")
        }
    }
}

extension Wire.SubmitRequest {
    /// The submission meant.
    func submission() throws -> UpdateSubmission {
        UpdateSubmission(
            deviceID: deviceId, model: model, baseRelease: Int(baseRelease), idempotencyKey: idempotencyKey,
            sampleCount: sampleCount, metrics: try metrics.byName(),
            modules: try modules.map { module in
                UpdateSubmission.Module(
                    module: module.module, baseVersion: Int(module.baseVersion),
                    digest: try Digest(bytes: module.digest),
                    encoding: try module.checkedEncoding(), importance: module.importance,
                    sampleCount: module.sampleCount == 0 ? sampleCount : module.sampleCount,
                    lineage: try Digest(ifGiven: module.lineage), base: try Digest(ifGiven: module.baseDigest ?? []),
                    trained: try Digest(ifGiven: module.trainedDigest ?? []))
            })
    }
}

extension Digest {
    /// The digest of a field that may be empty.
    fileprivate init?(ifGiven bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return nil }
        try self.init(bytes: bytes)
    }
}

extension Wire.SubmitRequest {
    /// The weights that came as the request's attachment.
    func batch(of attachment: ByteBuffer) throws -> BlobBatch {
        var rest = attachment
        var blobs: [(digest: Digest, bytes: [UInt8])] = []
        for blob in attached {
            let digest = try Digest(bytes: blob.digest)
            guard blob.size >= 0, let bytes = rest.readBytes(length: Int(clamping: blob.size)) else {
                throw RegistryError(
                    .invalidArgument,
                    "weights \(digest) shall have \(blob.size) bytes, the attachment has \(rest.readableBytes) left")
            }
            blobs.append((digest, bytes))
        }
        guard rest.readableBytes == 0 else {
            throw RegistryError(
                .invalidArgument, "the attachment has \(rest.readableBytes) bytes that the request names no blob for")
        }
        return try BlobBatch(blobs)
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
                throw RegistryError(
                    .invalidArgument,
                    "metric \(metric.name.debugDescription) is given twice, or as another spelling of the same letters")
            }
        }
        return values
    }
}
