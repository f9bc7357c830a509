import ECLMCore
import Metrics
import Registry

/// What the trainer tells a metrics system; labels begin with `eclm_trainer_`.
struct TrainerMetrics: Sendable {
    func record(_ outcome: RoundOutcome, duration: Duration) {
        let model = [("model", outcome.model)]
        if outcome.round != nil { Counter(label: "eclm_trainer_rounds_total", dimensions: model).increment() }
        Counter(label: "eclm_trainer_updates_aggregated_total", dimensions: model).increment(by: outcome.updates.count)
        Counter(label: "eclm_trainer_updates_quarantined_total", dimensions: model)
            .increment(by: outcome.quarantined.count)
        Counter(label: "eclm_trainer_versions_total", dimensions: model).increment(by: outcome.newVersions)
        Counter(label: "eclm_trainer_bytes_total", dimensions: model).increment(by: outcome.bytes)
        Timer(label: "eclm_trainer_round_seconds", dimensions: model).record(duration: duration)
    }

    func record(_ canary: CanaryRecord) {
        Counter(
            label: "eclm_trainer_canaries_total",
            dimensions: [("model", canary.model), ("state", canary.state.rawValue)]
        ).increment()
    }

    func recordFailure(of model: String, _ error: TrainerError) {
        Counter(
            label: "eclm_trainer_failures_total", dimensions: [("model", model), ("code", error.code.description)]
        ).increment()
    }
}
