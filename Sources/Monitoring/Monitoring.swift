import CoreMetrics
import Logging

/// What a daemon measures, and where it serves that: an exporter of swift-metrics, which knows nothing of what is measured.
public struct Monitoring: Sendable {
    private let address: MetricsAddress

    /// A daemon's setting `metrics`; `nil` where it is not set: then nothing is measured.
    ///
    /// - Throws: ``MonitoringError`` for what is no address.
    public init?(setting: String?) throws(MonitoringError) {
        guard let setting else { return nil }
        guard let address = MetricsAddress(setting) else {
            throw MonitoringError(
                .invalidAddress,
                "metrics is \(setting.debugDescription); write HOST:PORT, [IPV6]:PORT or unix:/path, such as 127.0.0.1:9420"
            )
        }
        self.address = address
    }

    /// Begins to measure: before anything that is measured is made, and once in a program.
    ///
    /// - Returns: What serves the metrics.
    public func start(name: String) -> MetricsServer {
        let store = MetricsStore()
        MetricsSystem.bootstrap(store)
        return MetricsServer(store: store, address: address, logger: Logger(label: "\(name).metrics"))
    }
}
