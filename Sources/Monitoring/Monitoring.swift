import CommandSupport
import CoreMetrics
import Logging
import RPC

/// What a daemon measures, and where it serves that.
public struct Monitoring: Sendable {
    private let endpoint: RPCEndpoint

    /// The setting `metrics` of a daemon; `nil` where it is not set: then nothing is measured.
    ///
    /// - Throws: `ConfigurationError` for what is no address.
    public init?(_ layers: DaemonConfiguration, flag: String?) throws {
        guard let text = layers.string("metrics", flag: flag) else { return nil }
        guard let endpoint = RPCEndpoint(text) else {
            throw ConfigurationError(
                "metrics is \(text.debugDescription); write HOST:PORT, [IPV6]:PORT or unix:/path, such as 127.0.0.1:9420"
            )
        }
        self.endpoint = endpoint
    }

    /// Begins to measure: before anything that is measured is made, and once in a program.
    ///
    /// - Returns: What serves the metrics.
    public func start(name: String) -> MetricsServer {
        let store = MetricsStore()
        MetricsSystem.bootstrap(store)
        return MetricsServer(store: store, endpoint: endpoint, logger: Logger(label: "\(name).metrics"))
    }
}
