import ECLMCore
package import EdgeClient
import Foundation
import RPC

/// A device that talks to a registry over the wire: an edge client with a connection, a state directory and a cache of its own.
package struct WireDevice: Sendable {
    package let client: EdgeClient
    package let directory: String
    private let connection: RPCClient
    /// Bytes that the experiment caused and no device would.
    package var uncounted = Traffic()
    /// The last composition, as the registry gave it.
    package var composed: (request: PullRequest, answer: SubModelComposition)?

    /// A device that was never registered soon says that nobody listens; a registered one is patient with its registry.
    private static let firstContact = RPCRetryPolicy(deadline: .seconds(10), maximumAttempts: 6)

    /// Registers a device and connects as it.
    package static func join(_ id: String, class name: String, endpoint: String, directory: String) async throws
        -> WireDevice
    {
        let state = try StateDirectory(path: directory)
        let stranger = try WireDevice(
            endpoint: endpoint, state: state, directory: directory, retry: Self.firstContact)
        defer { stranger.close() }
        _ = try await stranger.client.register(deviceID: id, deviceClass: name)
        // The credential is sent with a connection's first request.
        var device = try WireDevice(endpoint: endpoint, state: state, directory: directory)
        // The bytes of the registration are the device's, too.
        device.uncounted = Traffic() - stranger.client.registry.traffic
        return device
    }

    private init(
        endpoint text: String, state: StateDirectory, directory: String, retry: RPCRetryPolicy = .init()
    ) throws {
        guard let endpoint = RPCEndpoint(text) else {
            throw FleetError(.unavailable, "\(text) is no endpoint of a registry")
        }
        var configuration = RPCClientConfiguration()
        configuration.authenticationData = try state.identity()?.authenticationData()
        connection = RPCClient(endpoints: [endpoint], configuration: configuration)
        client = try EdgeClient(registry: RegistryClient(connection, retry: retry), state: state)
        self.directory = directory
    }

    /// All bytes of the device on its connections.
    package var traffic: Traffic { client.registry.traffic - uncounted }

    package func close() { connection.close() }

    package var subModel: String { directory + "/sub-model" }

    /// Writes trained weights where a submission finds them.
    package func write(_ files: [String: [UInt8]]) throws -> String {
        let folder = directory + "/trained"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (module, bytes) in files {
            try Data(bytes).write(
                to: URL(fileURLWithPath: "\(folder)/\(SubModelManifest.fileName(of: module))"))
        }
        return folder
    }

    /// Forgets all weights, as a device does that keeps none from one pull to the next.
    package func forget() throws {
        try? FileManager.default.removeItem(atPath: subModel)
        for entry in try client.cache.contents().entries { try client.cache.remove(entry.digest) }
    }
}
