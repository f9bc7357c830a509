import ECLMCore
import EdgeClient
import Foundation
import Logging
import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import Synchronization
import TestSupport
import Testing
import Trainer

@Suite("A device that submits differences")
struct EncodedSubmissionTests {
    /// Loses the answers of calls that were carried out, on request.
    private final class LossyCaller: RPCCaller {
        let caller: any RPCCaller
        let losesSubmissions = Mutex(false)

        init(_ caller: any RPCCaller) { self.caller = caller }

        func call(
            service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
        ) async throws -> RPCResponse {
            let answer = try await caller.call(
                service: service, method: method, payload: payload, attachment: attachment, timeout: timeout)
            if method == UpdateServiceAPI.submit.name, losesSubmissions.withLock({ $0 }) {
                throw RPCError(.internalError, "the answer is lost")
            }
            return answer
        }
    }

    /// A registered device in a directory of its own, with the model's sub-model.
    private struct Device {
        let caller: LossyCaller
        let client: EdgeClient
        let directory: String
        let server: TestServer

        init(_ server: TestServer, _ name: String) async throws {
            directory = NSTemporaryDirectory() + "eclm-encoded-\(UUID().uuidString)"
            caller = LossyCaller(server.caller)
            client = try EdgeClient(
                registry: RegistryClient(caller), state: StateDirectory(path: directory + "/state"))
            self.server = server
            _ = try await client.register(deviceID: name, deviceClass: ModelFixture.deviceClass)
        }

        /// Pulls once the server knows of a release.
        func pull(_ release: Int = 1) async throws -> PullResult {
            _ = try await eventually {
                try await client.waitForRelease(model: server.model.name, channel: "stable", after: 0) == Int32(release)
            }
            return try await client.pull(
                PullRequest(model: server.model.name, source: .release(Int32(release))), overwrites: true)
        }

        /// Trains modules: each weight a step towards the target, in a directory of its own.
        func train(_ pulled: PullResult, _ modules: [String], towards target: Float, by step: Float) throws -> String {
            let path = directory + "/trained-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for module in modules {
                let file = try SafetensorsFile(path: "\(pulled.directory)/\(module).safetensors")
                var builder = SafetensorsBuilder()
                for tensor in file.tensors {
                    guard tensor.dtype.isFloatingPoint else {
                        try builder.add(tensor.description, bytes: tensor.bytes())
                        continue
                    }
                    try builder.add(
                        tensor.name, shape: tensor.shape, dtype: tensor.dtype,
                        floats: tensor.floats().map { $0 + step * (target - $0) })
                }
                try Data(try builder.build()).write(to: URL(filePath: "\(path)/\(module).safetensors"))
            }
            return path
        }

        func submit(
            _ pulled: PullResult, _ trained: String, _ encoding: UpdateEncoding, fraction: Double = 0.3
        ) async throws -> SubmitResult {
            try await client.submit(
                Submission(
                    subModelDirectory: pulled.directory, weights: .directory(trained), sampleCount: 10,
                    encoding: encoding, fraction: fraction))
        }

        func remove() { try? FileManager.default.removeItem(atPath: directory) }
    }

    private func round(_ server: TestServer) async throws -> RoundOutcome? {
        try await server.database.withPool(as: .trainer) { pool in
            let registry = Registry(pool: pool, blobs: BlobStore(pool: pool), logger: .init(label: "trainer"))
            return try await Trainer(registry: registry, name: "trainer-1", logger: .init(label: "trainer")).runRound(
                model: server.model.name)
        }
    }

    private func sentDigest(_ server: TestServer, _ update: UpdateID) async throws -> Digest {
        let row = try await server.database.pool.query(
            "SELECT digest FROM eclm.update_modules WHERE update_id = \(update.rawValue)"
        ).one()
        return try Digest(bytes: try row.decode("digest", as: [UInt8].self))
    }

    @Test("follows full precision closely over rounds, shared parts too", arguments: UpdateEncoding.allCases)
    func tracks(encoding: UpdateEncoding) async throws {
        try await withServer { server in
            let device = try await Device(server, "device-1")
            defer { device.remove() }
            var exact: [String: [Double]] = [:]
            var names: [String] = []
            for number in 0..<8 {
                let pulled = try await device.pull(number + 1)
                if number == 0 {
                    names = pulled.manifest.modules.filter { $0.slot.kind != .selector }.map(\.module)
                    #expect(names.contains("stem0") && names.contains("head0"))
                    for name in names {
                        for (tensor, values) in try ModelFixture.tensors(
                            in: Array(Data(contentsOf: URL(filePath: "\(pulled.directory)/\(name).safetensors"))))
                        {
                            exact[name + "/" + tensor] = values
                        }
                    }
                }
                let trained = try device.train(pulled, names, towards: 0.5, by: 0.2)
                let result = try await device.submit(pulled, trained, encoding)
                #expect(!result.isReplay && result.encoding == encoding && result.modules.count == names.count)
                let outcome = try #require(try await round(server))
                #expect(outcome.quarantined.isEmpty && outcome.updates == [result.updateID])
                for key in exact.keys { exact[key] = exact[key]?.map { $0 + 0.2 * (0.5 - $0) } }
            }
            let pulled = try await device.pull(9)
            var worst = 0.0
            var furthest = 0.0
            for name in names {
                for (tensor, values) in try ModelFixture.tensors(
                    in: Array(Data(contentsOf: URL(filePath: "\(pulled.directory)/\(name).safetensors"))))
                {
                    for (value, wanted) in zip(values, exact[name + "/" + tensor] ?? []) {
                        worst = max(worst, abs(value - wanted))
                        furthest = max(furthest, abs(wanted - 0.5))
                    }
                }
            }
            // Full precision has come to within a sixth of where it began; 8 bits follow to a thousandth.
            #expect(furthest < 0.3)
            switch encoding {
            case .full, .delta: #expect(worst < 1e-5)
            case .int8Delta: #expect(worst < 2e-3, "\(worst)")
            case .sparseDelta: #expect(worst < 1, "\(worst)")
            default: Issue.record("no bound for \(encoding.rawValue)")
            }
        }
    }

    @Test("repeats the very update after an answer was lost, and sends what was left with the next one")
    func lostAnswer() async throws {
        try await withServer { server in
            let device = try await Device(server, "device-1")
            defer { device.remove() }
            let pulled = try await device.pull()
            let base = try SafetensorsFile(path: "\(pulled.directory)/l0.m00.safetensors")
            var residual: UpdateResidual?
            func expected(_ trained: String) throws -> Digest {
                Digest.of(
                    try UpdateEncoder.encode(
                        trained: SafetensorsFile(path: "\(trained)/l0.m00.safetensors"), base: base, as: .sparseDelta,
                        fraction: 0.3, residual: &residual))
            }

            let first = try device.train(pulled, ["l0.m00"], towards: 2, by: 0.1)
            device.caller.losesSubmissions.withLock { $0 = true }
            for _ in 0..<2 {
                await #expect(throws: EdgeError.self) { _ = try await device.submit(pulled, first, .sparseDelta) }
            }
            device.caller.losesSubmissions.withLock { $0 = false }
            let one = try await device.submit(pulled, first, .sparseDelta)
            #expect(one.isReplay)
            #expect(try await sentDigest(server, one.updateID) == expected(first))
            // Also after everything went well.
            #expect(try await device.submit(pulled, first, .sparseDelta).updateID == one.updateID)
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 1)

            let second = try device.train(pulled, ["l0.m00"], towards: -1, by: 0.2)
            let two = try await device.submit(pulled, second, .sparseDelta)
            #expect(!two.isReplay)
            #expect(try await sentDigest(server, two.updateID) == expected(second))
            #expect(try await device.submit(pulled, second, .sparseDelta).updateID == two.updateID)

            // Damaged residuals are dropped, not trusted and not fatal.
            let folder = device.directory + "/state/residuals/\(server.model.name)/l0.m00"
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.count == 3 && files.contains("state.json"))
            for file in files where file != "state.json" {
                try Data("damaged".utf8).write(to: URL(filePath: "\(folder)/\(file)"))
            }
            let third = try device.train(pulled, ["l0.m00"], towards: 3, by: 0.2)
            let three = try await device.submit(pulled, third, .sparseDelta)
            residual = nil
            #expect(try await sentDigest(server, three.updateID) == expected(third))
        }
    }

    @Test("is one update in whatever encoding it is sent again, and leaves nothing behind for the next")
    func otherEncodings() async throws {
        try await withServer { server in
            let device = try await Device(server, "device-1")
            defer { device.remove() }
            let pulled = try await device.pull()
            let trained = try device.train(pulled, ["l0.m00", "stem0"], towards: 2, by: 0.1)
            let first = try await device.submit(pulled, trained, .delta)
            #expect(!first.isReplay && !first.isEncodedOtherwise)
            for encoding in [UpdateEncoding.full, .sparseDelta, .int8Delta, .delta] {
                let again = try await device.submit(pulled, trained, encoding)
                #expect(
                    again.isReplay && again.updateID == first.updateID && again.idempotencyKey == first.idempotencyKey)
                #expect(again.isEncodedOtherwise == (encoding != .delta), "\(encoding)")
            }
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 1)
            // All of it was sent as a delta: the sparse attempt, which counted for nothing, left no rest.
            let next = try device.train(pulled, ["l0.m00"], towards: -1, by: 0.2)
            let sparse = try await device.submit(pulled, next, .sparseDelta)
            var residual: UpdateResidual?
            let wanted = try UpdateEncoder.encode(
                trained: SafetensorsFile(path: "\(next)/l0.m00.safetensors"),
                base: SafetensorsFile(path: "\(pulled.directory)/l0.m00.safetensors"), as: .sparseDelta, fraction: 0.3,
                residual: &residual)
            #expect(try await sentDigest(server, sparse.updateID) == Digest.of(wanted))
        }
    }

    @Test("trains in place and still tells differences to what was pulled")
    func inPlace() async throws {
        try await withServer { server in
            let device = try await Device(server, "device-1")
            defer { device.remove() }
            let pulled = try await device.pull()
            let trained = try device.train(pulled, ["stem0"], towards: 1, by: 0.5)
            let path = "\(pulled.directory)/stem0.safetensors"
            let base = try SafetensorsFile(bytes: Array(Data(contentsOf: URL(filePath: path))))
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: "\(trained)/stem0.safetensors", toPath: path)
            let result = try await client(device).submit(
                Submission(subModelDirectory: pulled.directory, sampleCount: 1, encoding: .int8Delta))
            #expect(result.modules == ["stem0"])
            var residual: UpdateResidual?
            let wanted = try UpdateEncoder.encode(
                trained: SafetensorsFile(path: path), base: base, as: .int8Delta, residual: &residual)
            #expect(try await sentDigest(server, result.updateID) == Digest.of(wanted))
        }
    }

    private func client(_ device: Device) -> EdgeClient { device.client }
}
