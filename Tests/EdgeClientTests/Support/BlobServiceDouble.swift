import ECLMCore
import NIOCore
import RPC
import RegistryProtocol
import Synchronization

/// Serves blobs from memory over the real transport, with faults on request. It stands in for the wire behaviour of
/// BlobService only.
final class BlobServiceDouble: RPCService {
    struct State {
        var blobs: [Digest: [UInt8]] = [:]
        var uploads: [String: (digest: Digest, size: Int, bytes: [UInt8])] = [:]
        /// (offset, length answered) of every Get.
        var gets: [(offset: Int64, length: Int)] = []
        /// Gets under way, now and at most so far.
        var inFlight = 0
        var mostInFlight = 0
        var puts = 0
        var begins = 0
        /// The most bytes one answer holds.
        var answerBytes = Int.max
        var partMultiple: Int64 = 0
        var partMaximum: Int64 = 0
        /// Errors to answer Get and Put calls with, by the call's number from 0.
        var getFaults: [Int: RPCError] = [:]
        var putFaults: [Int: RPCError] = [:]
        /// Calls of Put that are carried out though they answer an error.
        var putsCarriedOut: Set<Int> = []
        /// Called with the number of each Get.
        var onGet: (@Sendable (Int) -> Void)?
        /// How long a Get takes.
        var delay: Duration = .zero
    }

    let state = Mutex(State())

    let name = BlobServiceAPI.name

    @discardableResult
    func add(_ bytes: [UInt8], as digest: Digest? = nil) -> Digest {
        let digest = digest ?? Digest.of(bytes)
        state.withLock { $0.blobs[digest] = bytes }
        return digest
    }

    var methods: [RPCMethod] {
        [
            RPCMethod(name: BlobServiceAPI.get.name) { [self] request, _ in try await get(request) },
            RPCMethod(name: BlobServiceAPI.beginPut.name) { [self] request, _ in try beginPut(request) },
            RPCMethod(name: BlobServiceAPI.put.name) { [self] request, _ in try put(request) },
        ]
    }

    private func get(_ call: RPCRequest) async throws -> RPCResponse {
        let request = try Wire.GetBlobRequest(decoding: call.payload)
        let digest = try Digest(bytes: request.digest)
        let (number, hook, delay) = state.withLock { state in
            state.gets.append((request.offset, 0))
            state.inFlight += 1
            state.mostInFlight = max(state.mostInFlight, state.inFlight)
            return (state.gets.count - 1, state.onGet, state.delay)
        }
        defer { state.withLock { $0.inFlight -= 1 } }
        hook?(number)
        if delay > .zero { try await Task.sleep(for: delay) }
        return try state.withLock { state in
            if let fault = state.getFaults[number] { throw fault }
            guard let blob = state.blobs[digest] else { throw RPCError(.notFound, "no blob \(digest)") }
            let offset = Int(request.offset)
            guard offset <= blob.count else { throw RPCError(.outOfRange, "the blob has \(blob.count) bytes") }
            let wanted = request.length == 0 ? Int.max : Int(request.length)
            let bytes = blob[offset...].prefix(min(wanted, state.answerBytes))
            state.gets[number].length = bytes.count
            var answer = Wire.GetBlobResponse()
            answer.size = Int64(blob.count)
            answer.offset = request.offset
            return RPCResponse(payload: try answer.encoded(), attachment: ByteBuffer(bytes: bytes))
        }
    }

    private func beginPut(_ call: RPCRequest) throws -> RPCResponse {
        let request = try Wire.BeginPutRequest(decoding: call.payload)
        let digest = try Digest(bytes: request.digest)
        return try state.withLock { state in
            state.begins += 1
            var answer = Wire.BeginPutResponse()
            answer.exists = state.blobs[digest] != nil
            if !answer.exists {
                answer.uploadId = digest.hex
                if state.uploads[digest.hex] == nil { state.uploads[digest.hex] = (digest, Int(request.size), []) }
                answer.offset = Int64(state.uploads[digest.hex]?.bytes.count ?? 0)
                answer.partMultiple = state.partMultiple
                answer.partMaximum = state.partMaximum
            }
            return RPCResponse(payload: try answer.encoded())
        }
    }

    private func put(_ call: RPCRequest) throws -> RPCResponse {
        let request = try Wire.PutRequest(decoding: call.payload)
        return try state.withLock { state in
            let number = state.puts
            state.puts += 1
            if let fault = state.putFaults[number], !state.putsCarriedOut.contains(number) { throw fault }
            guard var upload = state.uploads[request.uploadId] else { throw RPCError(.notFound, "no such upload") }
            guard Int(request.offset) == upload.bytes.count else {
                throw RPCError(.outOfRange, "the upload has \(upload.bytes.count) bytes")
            }
            let part = call.attachment
            let isLast = upload.bytes.count + part.readableBytes == upload.size
            guard isLast || state.partMultiple == 0 || part.readableBytes % Int(state.partMultiple) == 0 else {
                throw RPCError(.invalidArgument, "the part has \(part.readableBytes) bytes")
            }
            upload.bytes += Array(part.readableBytesView)
            state.uploads[request.uploadId] = upload
            var answer = Wire.PutResponse()
            answer.received = Int64(upload.bytes.count)
            answer.complete = upload.bytes.count == upload.size
            if answer.complete {
                guard Digest.of(upload.bytes) == upload.digest else { throw RPCError(.dataLoss, "wrong digest") }
                state.blobs[upload.digest] = upload.bytes
                state.uploads[request.uploadId] = nil
            }
            if let fault = state.putFaults[number] { throw fault }
            return RPCResponse(payload: try answer.encoded())
        }
    }
}
