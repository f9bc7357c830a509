public import ArgumentParser
public import EdgeClient
import NIOCore
import RPC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the device keeps its state.
public struct StateOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The device's state directory. Default: ECLM_STATE, else ~/.local/state/eclm.", valueName: "directory"))
    public var state: String?

    public init() {}

    public func stateDirectory() throws -> StateDirectory {
        let path = state ?? StateDirectory.defaultPath(environment: ProcessInfo.processInfo.environment)
        return try StateDirectory(path: path)
    }

    /// A client that talks to nobody, for what is on this device only.
    public func offlineClient() throws -> EdgeClient {
        try EdgeClient(registry: RegistryClient(NoRegistry(), retry: .never), state: stateDirectory())
    }
}

/// Stands where a connection would be, for commands that need none.
private struct NoRegistry: RPCCaller {
    func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
    ) async throws -> RPCResponse {
        throw RPCError(.connectionFailed, "this command talks to no registry")
    }
}
