import Logging
public import Registry

extension Trainer {
    /// Counts what devices reported to the canaries of this trainer's models, and ends those whose evidence suffices or
    /// whose deadline has passed.
    ///
    /// - Returns: The canaries that ended here.
    /// - Throws: ``TrainerError``; canaries that ended before stay so.
    @discardableResult
    public func decideCanaries() async throws(TrainerError) -> [CanaryRecord] {
        let ended: [CanaryRecord]
        do {
            ended = try await registry.advanceCanaries(of: policy.models, as: name)
        } catch {
            throw TrainerError(error)
        }
        for canary in ended {
            metrics.record(canary)
            logger.notice(
                "canary decided",
                metadata: [
                    "canary": "\(canary.canaryID)", "model": "\(canary.model)",
                    "channel": "\(canary.settings.channel)", "release": "\(canary.settings.candidate)",
                    "state": "\(canary.state.rawValue)", "decision": "\(canary.decision ?? "")",
                ])
        }
        return ended
    }
}
