import ECLMCore
import Logging
import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

/// What carries the calls of a test.
enum Transport: String, CaseIterable, CustomTestStringConvertible {
    case inProcess, tcp

    var testDescription: String { rawValue }
}

/// A registry server over a fresh database with the fixture's model, and a caller of it.
struct TestServer: Sendable {
    let database: TestDatabase
    let model: ModelFixture
    let server: RegistryServer
    let endpoint: RPCEndpoint?
    /// Who makes the calls of this value.
    private(set) var caller: any RPCCaller

    /// What the server's own sessions call themselves, to find them in `pg_stat_activity`.
    static let applicationName = "registry under test"

    fileprivate init(
        database: TestDatabase, model: ModelFixture, server: RegistryServer, endpoint: RPCEndpoint?
    ) {
        (self.database, self.model, self.server, self.endpoint) = (database, model, server, endpoint)
        caller = Self.connect(server, endpoint, nil)
    }

    private static func connect(
        _ server: RegistryServer, _ endpoint: RPCEndpoint?, _ credential: [UInt8]?
    ) -> any RPCCaller {
        var configuration = RPCClientConfiguration()
        configuration.authenticationData = credential
        if let endpoint { return RPCClient(endpoint: endpoint, configuration: configuration) }
        return InProcessCaller(server: server.rpc, configuration: configuration)
    }

    /// The same server called over a connection of its own.
    func with(_ authenticationData: [UInt8]? = nil) -> TestServer {
        var other = self
        other.caller = Self.connect(server, endpoint, authenticationData)
        return other
    }

    /// The same server called by somebody with a credential.
    func with(_ credential: Credential) -> TestServer { with(credential.authenticationData) }

    /// Calls a method with a request that `fill` makes.
    @discardableResult
    func call<Request, Response>(
        _ method: RemoteMethod<Request, Response>, timeout: Duration? = .seconds(20),
        _ fill: (inout Request) throws -> Void = { _ in }
    ) async throws -> Response {
        try await exchange(method, attachment: [], timeout: timeout, fill).message
    }

    /// Calls a method with bytes beside the request.
    func exchange<Request, Response>(
        _ method: RemoteMethod<Request, Response>, attachment: [UInt8] = [], timeout: Duration? = .seconds(20),
        _ fill: (inout Request) throws -> Void = { _ in }
    ) async throws -> (message: Response, attachment: [UInt8]) {
        var request = Request()
        try fill(&request)
        let response = try await caller.call(
            service: method.service, method: method.name, payload: try request.encoded(),
            attachment: ByteBuffer(bytes: attachment), timeout: timeout)
        return (try Response(decoding: response.payload), Array(response.attachment.readableBytesView))
    }

    /// Calls a method with a payload that need not be a message.
    func send(_ payload: [UInt8], to service: String, _ method: String) async throws -> RPCResponse {
        try await caller.call(
            service: service, method: method, payload: ByteBuffer(bytes: payload), timeout: .seconds(20))
    }

    /// Puts a blob part by part, as a publisher does.
    func put(_ bytes: [UInt8]) async throws -> Digest {
        let digest = Digest.of(bytes)
        let begun = try await call(BlobServiceAPI.beginPut) {
            $0.digest = digest.bytes
            $0.size = Int64(bytes.count)
        }
        var offset = Int(begun.offset)
        while !begun.exists, offset < bytes.count {
            let end = min(offset + Int(begun.partMaximum), bytes.count)
            let put = try await exchange(BlobServiceAPI.put, attachment: Array(bytes[offset..<end])) {
                $0.uploadId = begun.uploadId
                $0.offset = Int64(offset)
            }
            offset = Int(put.message.received)
        }
        return digest
    }

    /// A single number that a query gives.
    func count(_ sql: SQL) async throws -> Int64 { try await database.pool.query(sql).one().decode(0) }

    /// Ends the server's sessions in the database, as a failover does.
    func terminateSessions() async throws {
        try await database.pool.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = \(Self.applicationName)
            """)
    }

    /// What the server still does after the calls of before, whatever they did to it.
    func answers() async -> Bool {
        (try? await call(ModelServiceAPI.getModel) { $0.model = model.name })?.name == model.name
    }
}

/// Runs `body` against a registry server with the rights that registryd needs and no more, its upkeep running beside.
///
/// - Parameter prepare: Runs on the database after the model is published and before the server starts.
func withServer<R: Sendable>(
    over transport: Transport = .inProcess, authentication: AuthenticationMode = .none,
    limits: RegistryServiceLimits = RegistryServiceLimits(), connections: Int = 4,
    prepare: (TestDatabase, ModelFixture) async throws -> Void = { _, _ in },
    _ body: (TestServer) async throws -> R
) async throws -> R {
    try await withDatabase { database in
        let model = try await ModelFixture.publish(in: database)
        try await prepare(database, model)
        var configuration = PostgresConfiguration(
            connectionString: try await serverLogin(database), applicationName: TestServer.applicationName)
        configuration.maximumConnections = connections
        configuration.acquireTimeout = .seconds(5)
        let pool = PostgresPool(configuration: configuration, logger: quietLogger)
        do {
            let registry = Registry(pool: pool, blobs: BlobStore(pool: pool), logger: quietLogger)
            let server = try await RegistryServer(
                registry: registry, configuration: RPCServerConfiguration(), authentication: authentication,
                limits: limits, logger: quietLogger)
            let endpoint = transport == .tcp ? try await server.rpc.start() : nil
            let upkeep = Task { await server.maintain() }
            let outcome: Result<R, any Error>
            do {
                outcome = .success(
                    try await body(
                        TestServer(database: database, model: model, server: server, endpoint: endpoint)))
            } catch {
                outcome = .failure(error)
            }
            await server.rpc.shutDown(within: .seconds(1))
            upkeep.cancel()
            await upkeep.value
            await pool.shutdown()
            return try outcome.get()
        } catch {
            await pool.shutdown()
            throw error
        }
    }
}

/// Makes the login that registryd is documented to have.
private func serverLogin(_ database: TestDatabase) async throws -> String {
    try await database.withConnection { connection in
        // Roles are the cluster's: another test may make it in the same instant.
        try await connection.execute(
            script: """
                DO $$ BEGIN
                    CREATE ROLE eclm_test_server LOGIN IN ROLE eclm_device, eclm_publisher, eclm_operator;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END $$
                """)
    }
    return TestCluster.connectionString(database: database.name, user: "eclm_test_server")
}

private let quietLogger: Logger = {
    var logger = Logger(label: "registry")
    logger.logLevel = .critical
    return logger
}()

/// Expects a call to be refused with a status, in a message that holds all of `words`.
///
/// - Returns: The message.
@discardableResult
func refused<R>(
    _ status: RPCStatus, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> R
) async -> String {
    do {
        let answer = try await body()
        Issue.record("answered instead of \(status): \(answer)", sourceLocation: sourceLocation)
        return ""
    } catch let error as RPCError {
        #expect(error.status == status, "\(error)", sourceLocation: sourceLocation)
        for word in words {
            #expect(error.message.contains(word), "\(error)", sourceLocation: sourceLocation)
        }
        return error.message
    } catch {
        Issue.record("failed with \(error) instead of \(status)", sourceLocation: sourceLocation)
        return ""
    }
}

/// Waits until a condition holds.
///
/// - Returns: Whether it came to hold in time.
func eventually(within limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}
