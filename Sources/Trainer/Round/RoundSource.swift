import Aggregation
import ECLMCore

/// One update's part in a module of a round.
struct RoundSource: Sendable {
    var updateID: UpdateID
    /// What is aggregated.
    var source: ModuleAggregation.Source

    /// - Parameter staleness: Releases that the update is behind the one that the round starts from.
    init(update: UpdateID, importance: Double, sampleCount: Int64, staleness: Int, file: UpdateFile) {
        updateID = update
        source = ModuleAggregation.Source(
            contribution: Contribution(importance: importance, sampleCount: sampleCount, staleness: staleness),
            update: file)
    }
}

extension ModuleAggregation {
    /// Makes the aggregate; see ``aggregate(_:onto:)-(Array<Source>,_)``.
    func aggregate(_ sources: [RoundSource], onto base: AggregationBase) async throws -> Aggregate {
        try await aggregate(sources.map(\.source), onto: base)
    }
}

extension ModuleAggregation.Aggregate {
    /// What each update weighs, for the lineage.
    func weights(of sources: [RoundSource]) -> [(update: UpdateID, weight: Double)] {
        zip(sources, weights).map { ($0.updateID, $1) }
    }
}
