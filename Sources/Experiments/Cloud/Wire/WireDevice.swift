import Core
import EdgeClient
import Foundation
import RPC
import RegistryProtocol

/// A device of an experiment over the wire: an edge client with a connection, a state directory and a cache of its own.
struct WireDevice: Sendable {
    let client: EdgeClient
    let directory: String
    private let connection: RPCClient
    /// Bytes that the experiment caused and no device would.
    var uncounted = Traffic()
    /// The last composition, as the registry gave it.
    var composed: (request: PullRequest, answer: Wire.ComposeResponse)?

    /// Registers a device and connects as it.
    static func join(_ id: String, class name: String, endpoint: String, directory: String) async throws -> WireDevice {
        let state = try StateDirectory(path: directory)
        var registering = try WireDevice(endpoint: endpoint, state: state, directory: directory)
        _ = try await registering.client.register(deviceID: id, deviceClass: name)
        registering.close()
        // The credential is sent with a connection's first request.
        let registration = registering.client.registry.traffic
        registering = try WireDevice(endpoint: endpoint, state: state, directory: directory)
        registering.uncounted = Traffic() - registration
        return registering
    }

    private init(endpoint text: String, state: StateDirectory, directory: String) throws {
        guard let endpoint = RPCEndpoint(text) else {
            throw ExperimentError(.unavailable, "\(text) is no endpoint of a registry")
        }
        var configuration = RPCClientConfiguration()
        configuration.retry = .never
        configuration.authenticationData = try state.identity().map {
            Credential.device(id: $0.deviceID, token: try $0.tokenBytes()).authenticationData
        }
        connection = RPCClient(endpoints: [endpoint], configuration: configuration)
        client = try EdgeClient(registry: RegistryClient(connection), state: state)
        self.directory = directory
    }

    /// All bytes of the device on its connections.
    var traffic: Traffic { client.registry.traffic - uncounted }

    func close() { connection.close() }

    var subModel: String { directory + "/sub-model" }

    /// Writes trained weights where a submission finds them.
    func write(_ files: [String: [UInt8]]) throws -> String {
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
    func forget() throws {
        try? FileManager.default.removeItem(atPath: subModel)
        for entry in try client.cache.contents().entries { try client.cache.remove(entry.digest) }
    }
}
