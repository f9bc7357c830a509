/// What our method reaches when all devices are capped at the same share.
struct CapMeasurement: Sendable, Codable {
    /// The share of the full model.
    var cap: Double
    /// Mean over devices; absent where the cap is too small for one module a layer.
    var accuracy: Double?
    /// Bytes of weights, mean over devices.
    var subModelBytes: Double
    /// Peak memory of a training step, mean over devices.
    var peakTrainingMemory: Double?
    /// Time of a batch, mean over devices.
    var secondsPerBatch: Double?

    static func measure(
        _ variant: ModularVariant, share: Double, rounds: Int, on fleet: inout Fleet,
        _ hyperparameters: Hyperparameters
    ) async throws -> CapMeasurement {
        for index in fleet.devices.indices { fleet.devices[index].budgetShare = share }
        fleet.federation.rounds = rounds
        fleet.measuresCurve = false
        do {
            let runs = try await ModularMethod(variant: variant).run(on: fleet, hyperparameters)
            guard let run = runs[variant.code] else {
                return CapMeasurement(cap: share, accuracy: nil, subModelBytes: 0)
            }
            return CapMeasurement(
                cap: share, accuracy: run.deviceAccuracies.mean, subModelBytes: run.subModelBytes,
                peakTrainingMemory: run.peakTrainingMemory, secondsPerBatch: run.secondsPerBatch)
        } catch let error as ExperimentError where error.code == .infeasible {
            return CapMeasurement(cap: share, accuracy: nil, subModelBytes: 0)
        }
    }
}
