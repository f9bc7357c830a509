import ECLMCore

/// What every cloud says alike.
extension ExperimentError {
    static let alreadyPublished = ExperimentError(.notReady, "this cloud has a model already; use another one")
    static let notPublished = ExperimentError(.notReady, "publish a prototype before devices use the cloud")

    static func notJoined(_ device: String) -> ExperimentError {
        ExperimentError(.notReady, "device \(device) has not joined; call join first")
    }

    static func infeasible(
        _ request: CloudRequest, _ shortage: String, cause: (any Error)? = nil
    ) -> ExperimentError {
        ExperimentError(.infeasible, "device \(request.device): \(shortage)", cause: cause)
    }

    static func notComposed(_ slot: ModuleSlot) -> ExperimentError {
        ExperimentError(.inconsistent, "\(slot.defaultName) was trained but is not in the sub-model")
    }

    static func noModule(_ slot: ModuleSlot, of model: String) -> ExperimentError {
        ExperimentError(.inconsistent, "\(model) has no module \(slot.defaultName)")
    }
}
