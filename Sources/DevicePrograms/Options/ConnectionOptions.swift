public import ArgumentParser
public import EdgeClient
import RPC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How the registry is reached.
public struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A registry server, host:port or unix:/path; several may be given. Default: ECLM_ENDPOINT, separated by commas.",
            valueName: "endpoint"))
    public var endpoint: [String] = []

    @Option(
        name: .long, help: ArgumentHelp("Give a call up after this many seconds of trying.", valueName: "seconds"))
    public var timeout: Double = 60

    @OptionGroup public var stateOptions: StateOptions

    public init() {}

    public func validate() throws {
        guard timeout.isFinite, timeout > 0, timeout <= 86_400 else {
            throw ValidationError("--timeout takes seconds from 0 to 86400, not \(timeout)")
        }
        for text in endpoint where RPCEndpoint(text) == nil {
            throw ValidationError("\(text.debugDescription) is no endpoint; write host:port or unix:/path")
        }
    }

    /// Runs `body` with a client that is closed afterwards.
    public func withClient<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (EdgeClient) async throws -> Result
    ) async throws -> Result {
        let endpoints = try endpoints()
        let state = try stateOptions.stateDirectory()
        var configuration = RPCClientConfiguration()
        configuration.authenticationData = try state.identity()?.authenticationData()
        let connection = RPCClient(endpoints: endpoints, configuration: configuration)
        defer { connection.close() }
        let retry = RPCRetryPolicy(deadline: .milliseconds(Int64(timeout * 1000)))
        return try await body(EdgeClient(registry: RegistryClient(connection, retry: retry), state: state))
    }

    private func endpoints() throws -> [RPCEndpoint] {
        var texts = endpoint
        if texts.isEmpty {
            let variable = ProcessInfo.processInfo.environment["ECLM_ENDPOINT"] ?? ""
            texts = variable.split(separator: ",").map(String.init)
        }
        guard !texts.isEmpty else {
            throw ValidationError("no registry was named: give --endpoint host:port or set ECLM_ENDPOINT")
        }
        return try texts.map { text in
            guard let endpoint = RPCEndpoint(text) else {
                throw ValidationError("ECLM_ENDPOINT: \(text.debugDescription) is no endpoint; write host:port")
            }
            return endpoint
        }
    }
}
