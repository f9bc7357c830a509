import NIOCore
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
            RPCMethod(HealthServiceAPI.check, role: .reader) { _, _ in
                var response = Wire.HealthResponse()
                response.serving = true
                response.database = (try? await context.registry.pool.query("SELECT 1")) != nil
                response.version = RegistryServer.version
                response.catalogueAgeMs = context.catalogue.age.milliseconds
                response.inFlight = Int32(clamping: inFlight())
                response.uptimeMs = started.duration(to: .now).milliseconds
                return response
            },
            RPCMethod(
                HealthServiceAPI.echo, role: .reader, attachments: { message, attachment, _ in (message, attachment) }),
        ]
    }
}
