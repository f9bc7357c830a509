internal import RegistryProtocol

extension EdgeClient {
    /// Reports what this device measured of a release that it runs; where a canary compares the release, its first report
    /// counts. Safe to repeat.
    ///
    /// - Parameters:
    ///   - metrics: 1 to 64 finite numbers by name.
    ///   - model: The model's name.
    ///   - release: The release that was measured.
    /// - Returns: The number of running canaries that the report belongs to.
    /// - Throws: ``EdgeError``.
    public func report(_ metrics: [String: Double], of model: String, release: Int32) async throws -> Int {
        guard let identity = try identity() else {
            throw EdgeError(.invalidState, "this device is not registered: run edgectl register first")
        }
        if let metric = metrics.first(where: { !$0.value.isFinite }) {
            throw EdgeError(.refused, "metric \(metric.key) is \(metric.value); only finite numbers are taken")
        }
        var request = Wire.ReportMetricsRequest()
        request.deviceId = identity.deviceID
        request.model = model
        request.release = release
        request.metrics = Wire.Metric.list(metrics)
        return Int(try await registry.call(DeviceServiceAPI.reportMetrics, request).canaries)
    }
}

extension Wire.Metric {
    /// Metrics as they travel, by name.
    static func list(_ metrics: [String: Double]) -> [Wire.Metric] {
        metrics.sorted { $0.key < $1.key }.map { name, value in
            var metric = Wire.Metric()
            metric.name = name
            metric.value = value
            return metric
        }
    }
}
