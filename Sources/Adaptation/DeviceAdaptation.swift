import ECLMCore
public import EdgeClient
public import Learning

/// The online stage on a device: it scores its data with the selector alone, gets the sub-model that serves it within its
/// budget, trains it, and hands in what it learned (paper section 1).
///
/// Safe to stop at any instant and to run again: an interrupted download goes on where it stopped, interrupted training
/// begins anew with the same sub-model, and an update that may have been submitted is submitted under the same key.
public struct DeviceAdaptation: Sendable {
    /// The registry, and the device's state.
    public let client: EdgeClient

    /// An adaptation for a device.
    public init(client: EdgeClient) {
        self.client = client
    }

    /// Adapts once.
    ///
    /// When the base release was rolled back while the device trained, begins again once with the channel's release.
    /// - Parameter onEvent: Told what happens; called from several threads.
    /// - Throws: `EdgeError` (`infeasible` when no sub-model fits the budget), `LearningError` (`data`, `diverged`): nothing
    ///   was submitted then.
    public func adapt(
        _ request: AdaptationRequest, to data: TrainingData,
        onEvent: @escaping @Sendable (AdaptationEvent) -> Void = { _ in }
    ) async throws -> AdaptationReport {
        let directory = try AdaptationDirectory(client.state, model: request.model)
        return try await directory.whileAdapting {
            let run = AdaptationRun(
                client: client, request: request, data: data, directory: directory,
                fingerprint: try request.fingerprint(of: data), onEvent: onEvent)
            return try await run.report()
        }
    }

    /// Tells whether data is no longer like that of the last adaptation.
    ///
    /// - Throws: `EdgeError` with `invalidState` when there was none; `LearningError` with `data` when there is too little to
    ///   compare, or it does not fit the model.
    public func checkDrift(
        of model: String, in data: TrainingData, by detector: DriftDetector, seed: UInt64 = 0
    ) async throws -> DriftDetector.Verdict {
        let installed = try InstalledModel(of: model, in: client.state)
        return try await onOwnThread("training") {
            let network = try installed.network()
            let current = try DriftObservation(of: data, selector: network.selector, network: network)
            return try detector.check(current, against: installed.model.observation, seed: seed)
        }
    }
}
