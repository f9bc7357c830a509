import ECLMCore
import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.HealthService`: whether the server serves, and the echo that others are measured against.
struct HealthService: RPCService {
    let name = HealthServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext, inFlight: @escaping @Sendable () -> Int) {
        let started = ContinuousClock.now
        methods = [
            RPCMethod(HealthServiceAPI.check) { _, _ in
                var response = Wire.CheckResponse()
                response.serving = true
                response.database = await Self.answers(context.registry.pool)
                response.version = ECLM.version
                response.catalogueAgeMs = context.catalogue.age.milliseconds
                response.inFlight = Int32(clamping: inFlight())
                response.uptimeMs = started.duration(to: .now).milliseconds
                return response
            },
            RPCMethod(
                HealthServiceAPI.echo,
                attachments: { request, attachment, _ in
                    var response = Wire.EchoResponse()
                    response.payload = request.payload
                    return (response, attachment)
                }),
        ]
    }

    /// Whether the database answers within a second: who asks for health is in a hurry.
    private static func answers(_ pool: PostgresPool) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await pool.query("SELECT 1", retry: .idempotent)) != nil }
            group.addTask {
                try? await Task.sleep(for: .seconds(1))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }
}
