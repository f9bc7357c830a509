import CommandSupport
import DaemonSettings
import EdgeClient
import Logging
import RPC
import Regions
import Registry
import Trainer

/// The registry that this one is a region of, and who the region is there.
struct ParentSettings: Sendable {
    var endpoints: [RPCEndpoint]
    var identity: DeviceIdentity

    /// The settings `parents` and `parent-state`; `nil` where there is no parent.
    ///
    /// - Throws: `ConfigurationError` for an endpoint that is none, or one setting without the other; `EdgeError` for a
    ///   state directory that cannot be read.
    init?(_ layers: DaemonConfiguration, _ flags: TrainerdFlags) throws {
        let texts = try layers.list("parents", flag: flags.parents)
        let state = layers.string("parent-state", flag: flags.parentState)
        guard !texts.isEmpty else {
            guard state == nil else { throw ConfigurationError("parent-state without parents: name the parent, too") }
            return nil
        }
        guard let state else {
            throw ConfigurationError(
                "parents without parent-state: name the directory in which `edgectl register` made the region a device")
        }
        endpoints = try texts.map { text in
            guard let endpoint = RPCEndpoint(text) else {
                throw ConfigurationError(
                    "parents: \(text.debugDescription) is no endpoint; write host:port or unix:/path")
            }
            return endpoint
        }
        guard let identity = try StateDirectory(path: state).identity() else {
            throw ConfigurationError(
                "parent-state: no device was registered in \(state); run `edgectl register --state \(state) --id REGION "
                    + "--class CLASS --endpoint \(texts[0])`")
        }
        self.identity = identity
    }

    /// Runs `body` with the region, whose connections are closed afterwards.
    func withRegion(
        registry: Registry, policy: TrainerPolicy, isolation: isolated (any Actor)? = #isolation,
        _ body: (Region) async throws -> Void
    ) async throws {
        var configuration = RPCClientConfiguration()
        configuration.authenticationData = try identity.authenticationData()
        let connection = RPCClient(endpoints: endpoints, configuration: configuration)
        defer { connection.close() }
        // A region begins anew by itself after a failure.
        let client = RegistryClient(connection, retry: RPCRetryPolicy(maximumAttempts: 3))
        let region = Region(
            registry: registry, parent: client,
            parentName: endpoints.map(\.description).joined(separator: ","), name: identity.deviceID, policy: policy,
            logger: Logger(label: "trainerd.region"))
        try await region.checkRoles()
        try await body(region)
    }
}
