import ECLMCore
import Metrics

/// Puts the version among a daemon's metrics, once they are measured: `eclm_build_info{version="0.1.0"} 1`.
public func recordBuildInfo() {
    Gauge(label: "eclm_build_info", dimensions: [("version", ECLM.version)]).record(1)
}
