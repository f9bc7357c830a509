import ECLMCore
import Foundation
import NIOCore
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

/// Requests and answers of peers that know the texts alone, and of those that know the enums, too.
@Suite("Old and new peers")
struct OldPeerTests {
    @Test("list updates by the text, by the number, and by the number where they differ", arguments: Transport.allCases)
    func statusFilter(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let update = try await server.model.submit([.init("l0.m00")], from: "d1", seed: 3).rawValue
            func listed(_ text: String?, _ number: Wire.UpdateStatus?) async throws -> [Wire.Update] {
                try await server.call(UpdateServiceAPI.listUpdates) {
                    $0.status = text
                    $0.updateStatus = number
                }.updates
            }
            #expect(try await listed(nil, nil).map(\.updateId) == [update])
            #expect(try await listed("pending", nil).map(\.updateId) == [update])
            #expect(try await listed(nil, .pending).map(\.updateId) == [update])
            #expect(try await listed("aggregated", nil).isEmpty)
            #expect(try await listed("pending", .aggregated).isEmpty)
            let found = try #require(try await listed(nil, nil).first)
            #expect(found.status == "pending" && found.updateStatus == .pending)
            await refused(.invalidArgument, "status \"lost\" is not known", "pending") { try await listed("lost", nil) }
            await refused(.invalidArgument, "status 9 is not known") {
                try await listed("pending", Wire.UpdateStatus(rawValue: 9))
            }
        }
    }

    @Test("get the same bytes where an answer got a message of its own", arguments: Transport.allCases)
    func sameBytes(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var request = Wire.GetModelRequest()
            request.model = "mlp"
            let bytes = try Array(request.encoded().readableBytesView)
            let answer = try await server.send(bytes, to: ModelServiceAPI.name, "GetModel").payload
            let old = try Wire.Model(decoding: answer)
            #expect(try old.encoded() == answer)
            let new = try Wire.GetModelResponse(decoding: answer)
            #expect(old.name == "mlp" && old == new.model)
        }
    }

    @Test("are understood in every request that the last version wrote", arguments: Transport.allCases)
    func recordedRequests(transport: Transport) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../RegistryProtocolTests/Recorded")
        try await withServer(over: transport) { server in
            for method in MethodContract.all {
                let service = try #require(method.service.split(separator: ".").last)
                let recorded = try JSONDecoder().decode(
                    [RecordedMethod].self, from: Data(contentsOf: folder.appending(path: "\(service).json")))
                // A method that is younger than the recording has none.
                guard let entry = recorded.first(where: { $0.method == method.name }) else { continue }
                do {
                    _ = try await server.send(entry.request.payload(), to: method.service, method.name)
                } catch let error as RPCError {
                    let misunderstood: [RPCStatus] = [.noSuchService, .noSuchMethod, .badRequest, .internalError]
                    #expect(!misunderstood.contains(error.status), "\(method.name): \(error)")
                }
            }
            #expect(await server.answers())
        }
    }

    private struct RecordedMethod: Decodable {
        var method: String
        var request: RecordedFrame
    }

    private struct RecordedFrame: Decodable {
        /// A whole frame, in hexadecimal digits.
        var frame: String

        /// The message in it, with whatever is attached left out: 12 bytes before the metadata, whose size is the last
        /// of three numbers.
        func payload() throws -> [UInt8] {
            let digits = Array(frame.utf8)
            let bytes = try stride(from: 0, to: digits.count, by: 2).map { position in
                try #require(UInt8(String(decoding: digits[position..<position + 2], as: UTF8.self), radix: 16))
            }
            let metaBytes = bytes[8..<12].reduce(0) { $0 << 8 | Int($1) }
            let body = Array(bytes[(12 + metaBytes)...])
            let attached = Array("weights".utf8)
            return body.suffix(attached.count) == attached[...] ? body.dropLast(attached.count) : body
        }
    }
}
