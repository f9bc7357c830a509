import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Submitting updates")
struct UpdateTests {
    /// A submission of one trained expert, its weights put before.
    private func submission(_ server: TestServer, key: String = "key-1", seed: UInt64 = 1) async throws
        -> Wire.SubmitRequest
    {
        _ = try? await server.call(DeviceServiceAPI.registerDevice) {
            $0.deviceId = "device-1"
            $0.deviceClass = ModelFixture.deviceClass
            $0.token = DeviceTests.token
        }
        var request = Wire.SubmitRequest()
        request.deviceId = "device-1"
        request.model = "mlp"
        request.baseRelease = 1
        request.idempotencyKey = key
        request.sampleCount = 100
        var module = Wire.TrainedModule()
        module.module = "l0.m00"
        module.baseVersion = 1
        module.importance = 0.75
        module.digest = try await server.put(try server.model.weights(of: "l0.m00", seed: seed)).bytes
        request.modules = [module]
        var metric = Wire.Metric()
        (metric.name, metric.value) = ("loss", 0.25)
        request.metrics = [metric]
        return request
    }

    private func submit(_ server: TestServer, _ request: Wire.SubmitRequest) async throws -> Wire.SubmitResponse {
        try await server.call(UpdateServiceAPI.submit) { $0 = request }
    }

    @Test("queues them for the trainer", arguments: Transport.allCases)
    func submitted(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let answer = try await submit(server, try await submission(server))
            #expect(answer.status == "pending")
            #expect(!answer.replayed)
            let update = try await server.call(UpdateServiceAPI.getUpdate) { $0.updateId = answer.updateId }
            #expect(update.deviceId == "device-1")
            #expect(update.model == "mlp")
            #expect(update.baseRelease == 1)
            #expect(update.idempotencyKey == "key-1")
            #expect(update.sampleCount == 100)
            #expect(update.modules == 1)
            #expect(update.round == nil)
            #expect(update.decidedAtUs == nil)
            let row = try await server.database.pool.query(
                """
                SELECT um.importance, um.sample_count, um.encoding, u.metrics ->> 'loss' AS loss
                FROM eclm.update_modules um JOIN eclm.updates u USING (update_id)
                """
            ).one()
            #expect(try row.decode("importance", as: Double.self) == 0.75)
            #expect(try row.decode("sample_count", as: Int64.self) == 100)
            #expect(try row.decode("encoding", as: String.self) == "full")
            #expect(try row.decode("loss", as: String.self) == "0.25")
        }
    }

    @Test("takes the same submission once, however often it comes", arguments: Transport.allCases)
    func replay(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var request = try await submission(server)
            let first = try await submit(server, request)
            let second = try await submit(server, request)
            #expect(second.replayed)
            #expect(second.updateId == first.updateId)
            request.sampleCount = 101
            await refused(.alreadyExists, "\"key-1\"", "new key") { try await submit(server, request) }
            request.idempotencyKey = "key-2"
            let other = try await submit(server, request)
            #expect(!other.replayed)
            #expect(other.updateId != first.updateId)
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 2)
        }
    }

    @Test("takes a replay even after its base was rolled back")
    func replayAfterRollback() async throws {
        try await withServer { server in
            try await server.publish(changing: ["l0.m00"], seed: 2)
            var request = try await submission(server)
            request.baseRelease = 2
            request.modules[0].baseVersion = 2
            let first = try await submit(server, request)
            try await server.call(ReleaseServiceAPI.rollback) {
                $0.model = "mlp"
                $0.toRelease = 1
                $0.reason = "bad"
            }
            #expect(try await submit(server, request).updateId == first.updateId)
            request.idempotencyKey = "key-2"
            await refused(.failedPrecondition, "base release 2 of mlp was rolled back", "pull") {
                try await submit(server, request)
            }
        }
    }

    @Test("counts duplicates that come at once as one", arguments: Transport.allCases)
    func concurrently(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let request = try await submission(server)
            let answers = try await withThrowingTaskGroup(of: Wire.SubmitResponse.self) { group in
                for _ in 0..<12 { group.addTask { try await submit(server.with(), request) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.updateId)).count == 1)
            #expect(answers.filter { !$0.replayed }.count == 1)
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 1)
            #expect(try await server.count("SELECT count(*) FROM eclm.update_modules") == 1)
        }
    }

    @Test("goes on while somebody publishes to the same model")
    func whilePublishing() async throws {
        try await withServer { server in
            let request = try await submission(server)
            try await server.database.withConnection { publisher in
                try await publisher.transaction { publisher in
                    _ = try await Registry.lockModel("mlp", on: publisher)
                    #expect(
                        try await server.call(UpdateServiceAPI.submit, timeout: .seconds(5)) { $0 = request }.updateId
                            > 0)
                }
            }
        }
    }

    @Test("takes a difference only to the weights that it was made from")
    func base() async throws {
        try await withServer { server in
            var request = try await submission(server)
            let version = try #require(try await server.model.versions()["l0.m00"])
            let base = try await server.model.bytes(version.digest)
            var residual: UpdateResidual?
            let difference = try UpdateEncoder.encode(
                trained: try server.model.weights(of: "l0.m00", seed: 7), base: base, as: .delta, residual: &residual)
            request.modules[0].digest = try await server.put(difference).bytes
            request.modules[0].encoding = "delta"
            // An old client, which names no base.
            await refused(.invalidArgument, "does not name the weights", "update the client", "full weights") {
                try await submit(server, request)
            }
            request.modules[0].baseDigest = Digest.of([1]).bytes
            await refused(.failedPrecondition, "made from the weights \(Digest.of([1]))", "restored from a backup") {
                try await submit(server, request)
            }
            request.modules[0].baseDigest = version.digest.bytes
            let taken = try await submit(server, request)
            #expect(taken.status == "pending")
            let stored: [UInt8] = try await server.database.pool.query("SELECT base_digest FROM eclm.update_modules")
                .one()
                .decode(0)
            #expect(stored == version.digest.bytes)
            // The database refuses what a program would write all the same.
            await #expect(throws: PostgresError.self) {
                try await server.database.pool.query(
                    """
                    INSERT INTO eclm.update_modules (update_id, model_id, module_id, base_version_id, digest, importance,
                        sample_count, base_digest)
                    SELECT um.update_id, m.model_id, m.module_id, v.module_version_id, v.digest, 1, 1, sha256('other')
                    FROM eclm.update_modules um JOIN eclm.modules m ON m.name = 'l1.m00'
                    JOIN eclm.module_versions v ON v.module_id = m.module_id
                    """)
            }
        }
    }

    @Test("refuses what is wrong, says what, and keeps nothing of it", arguments: Transport.allCases)
    func refusals(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let good = try await submission(server)
            func refuses(
                _ status: RPCStatus, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
                _ change: (inout Wire.SubmitRequest) async throws -> Void
            ) async throws {
                var request = good
                try await change(&request)
                let message = await refused(status, sourceLocation: sourceLocation) {
                    try await submit(server, request)
                }
                for word in words { #expect(message.contains(word), "\(message)", sourceLocation: sourceLocation) }
            }
            try await refuses(.notFound, "\"device-9\"", "register it first") { $0.deviceId = "device-9" }
            try await refuses(.notFound, "no model \"nothing\"") { $0.model = "nothing" }
            try await refuses(.failedPrecondition, "no release 9", "pull") { $0.baseRelease = 9 }
            try await refuses(.failedPrecondition, "no release 0") { $0.baseRelease = 0 }
            try await refuses(.failedPrecondition, "\(Digest.of([3]))", "version 1 here", "pull") {
                $0.modules[0].baseDigest = Digest.of([3]).bytes
            }
            try await refuses(.invalidArgument, "31 bytes") {
                $0.modules[0].baseDigest = Array(repeating: 1, count: 31)
            }
            try await refuses(.notFound, "no module \"l9.m00\"") { $0.modules[0].module = "l9.m00" }
            try await refuses(.invalidArgument, "has version 1 of l0.m00", "says version 2") {
                $0.modules[0].baseVersion = 2
            }
            try await refuses(.invalidArgument, "key", "1 to 128") { $0.idempotencyKey = "" }
            try await refuses(.invalidArgument, "key") { $0.idempotencyKey = String(repeating: "k", count: 129) }
            try await refuses(.invalidArgument, "sample count", "0") { $0.sampleCount = 0 }
            try await refuses(.invalidArgument, "sample count", "-5") { $0.sampleCount = -5 }
            try await refuses(.invalidArgument, "sample count of l0.m00", "-1") { $0.modules[0].sampleCount = -1 }
            try await refuses(.invalidArgument, "1 to 16384 modules") { $0.modules = [] }
            try await refuses(.invalidArgument, "l0.m00 is given twice") { $0.modules.append($0.modules[0]) }
            try await refuses(.invalidArgument, "importance of l0.m00 is nan") { $0.modules[0].importance = .nan }
            try await refuses(.invalidArgument, "importance of l0.m00 is -1") { $0.modules[0].importance = -1 }
            try await refuses(.invalidArgument, "importance of l0.m00 is inf") { $0.modules[0].importance = .infinity }
            try await refuses(.invalidArgument, "\"loss\" = inf") { $0.metrics[0].value = .infinity }
            try await refuses(.invalidArgument, "\"loss\" = nan") { $0.metrics[0].value = .nan }
            try await refuses(.invalidArgument, "1 to 64 bytes") { $0.metrics[0].name = "" }
            try await refuses(.invalidArgument, "\"loss\" is given twice") { $0.metrics.append($0.metrics[0]) }
            try await refuses(.invalidArgument, "at most 64 metrics") {
                $0.metrics = (0..<65).map { number in
                    var metric = Wire.Metric()
                    metric.name = "m\(number)"
                    return metric
                }
            }
            try await refuses(.invalidArgument, "encoding \"zip\"", "full") { $0.modules[0].encoding = "zip" }
            try await refuses(.invalidArgument, "31 bytes") { $0.modules[0].digest.removeLast() }
            try await refuses(.notFound, "\(Digest.of([3]))", "put the blob first") {
                $0.modules[0].digest = Digest.of([3]).bytes
            }
            try await refuses(.invalidArgument, "l0.m00", "safetensors") {
                $0.modules[0].digest = try await server.put(testBytes(64)).bytes
            }
            try await refuses(.invalidArgument, "up.weight", "shape [4, 8]", "[8, 4]") {
                $0.modules[0].digest = try await put(server, .f32, [4, 8])
            }
            try await refuses(.invalidArgument, "tensor up.", "dtype F16", "F32") {
                $0.modules[0].digest = try await put(server, .f16, [8, 4])
            }
            try await refuses(.invalidArgument, "lack tensor") {
                $0.modules[0].digest = try await server.put(try server.model.weights(of: "stem0", seed: 1)).bytes
            }
            #expect(try await server.count("SELECT count(*) FROM eclm.updates") == 0)
            #expect(try await server.count("SELECT count(*) FROM eclm.update_modules") == 0)
            #expect(try await submit(server, good).status == "pending")
        }
    }

    private func put(_ server: TestServer, _ dtype: ElementType, _ shape: [Int]) async throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        try builder.add("up.weight", shape: shape, dtype: dtype, floats: Array(repeating: 1, count: 32))
        try builder.add("up.bias", shape: [8], dtype: dtype, floats: Array(repeating: 1, count: 8))
        return try await server.put(try builder.build()).bytes
    }
}
