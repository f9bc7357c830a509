import ECLMCore
import Foundation
import NIOCore
import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.BlobService`: bytes by digest, out by ranges and in by parts.
struct BlobService: RPCService {
    let name = BlobServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let blobs = context.registry.blobs
        let segments = context.segments
        methods = [
            RPCMethod(BlobServiceAPI.stat) { request, _ in
                guard request.digests.count <= context.limits.maximumDigests else {
                    throw RegistryError(
                        .invalidArgument,
                        "at most \(context.limits.maximumDigests) digests, not \(request.digests.count)")
                }
                let digests = try request.digests.map { try Digest(bytes: $0) }
                var response = Wire.StatResponse()
                response.blobs = try await blobs.stat(digests).sorted { $0.key < $1.key }.map { digest, size in
                    var info = Wire.BlobInfo()
                    info.digest = digest.bytes
                    info.size = size
                    return info
                }
                return response
            },
            RPCMethod(
                BlobServiceAPI.get,
                attachments: { request, _, _ in
                    let digest = try Digest(bytes: request.digest)
                    let size = try await segments.size(of: digest)
                    guard (0...size).contains(request.offset), request.length >= 0 else {
                        throw RPCError(
                            .outOfRange,
                            "bytes \(request.offset)+\(request.length) are not in the blob, which has \(size)")
                    }
                    var response = Wire.GetBlobResponse()
                    response.size = size
                    response.offset = request.offset
                    guard request.offset < size else { return (response, ByteBuffer()) }
                    let bytes = try await segments.read(
                        digest, size: size, offset: request.offset, length: request.length == 0 ? size : request.length)
                    return (response, bytes)
                }),
            RPCMethod(BlobServiceAPI.beginPut) { request, call in
                let upload = try await blobs.beginUpload(
                    digest: try Digest(bytes: request.digest), size: request.size, uploader: call.principal.name)
                var response = Wire.BeginPutResponse()
                response.exists = upload.exists
                response.uploadId = upload.id?.uuidString.lowercased() ?? ""
                response.offset = upload.offset
                response.partMultiple = upload.partMultiple
                response.partMaximum = upload.partMaximum
                return response
            },
            RPCMethod(
                BlobServiceAPI.put,
                attachments: { request, attachment, call in
                    guard let id = UUID(uuidString: request.uploadId) else {
                        throw RegistryError(.invalidArgument, "\(request.uploadId.debugDescription) is no upload's id")
                    }
                    let progress = try await blobs.append(
                        id, offset: request.offset, bytes: Array(attachment.readableBytesView),
                        uploader: call.principal.name)
                    var response = Wire.PutResponse()
                    response.received = progress.received
                    response.complete = progress.complete
                    return (response, ByteBuffer())
                }),
        ]
    }
}
