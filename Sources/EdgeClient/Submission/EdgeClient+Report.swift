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

extension EdgeClient {
    /// The release of a pulled sub-model of a model: the one in `directory`, or wherever pulls of this device put them.
    ///
    /// - Throws: ``EdgeError`` with `invalidState` where there is none, where `directory` holds another model, and where
    ///   sub-models of several releases lie around.
    public func pulledRelease(of model: String, in directory: String? = nil) throws(EdgeError) -> Int32 {
        if let directory {
            let manifest = try SubModelManifest(directory: directory)
            guard manifest.model == model else {
                throw EdgeError(
                    .invalidState, "\(directory) holds a sub-model of \(manifest.model), not of \(model): name another")
            }
            return manifest.release
        }
        let pulled = try state.subModels().filter { $0.manifest.model == model }
        guard let first = pulled.first else {
            throw EdgeError(.invalidState, "no sub-model of \(model) was pulled here: pull one, or name the release")
        }
        guard pulled.allSatisfy({ $0.manifest.release == first.manifest.release }) else {
            let places = pulled.map { "\($0.path) (release \($0.manifest.release))" }.joined(separator: ", ")
            throw EdgeError(
                .invalidState,
                "sub-models of several releases of \(model) were pulled here: \(places); name the one that was measured"
            )
        }
        return first.manifest.release
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
