import Learning

/// Chooses a method's hyperparameters on pseudo-devices: first the rate within rounds, then fine-tuning, each by the
/// method itself run with every candidate.
struct HyperparameterSearch {
    /// Pseudo-devices, with few rounds.
    let fleet: Fleet
    let settings: SearchSettings
    let row: String

    /// The candidates that a search begins with: the middle of each list.
    static func start(_ settings: SearchSettings, _ federation: FederationSettings) -> Hyperparameters {
        func middle<Element>(_ list: [Element]) -> Element { list[list.count / 2] }
        return Hyperparameters(
            round: LocalSettings(
                epochs: federation.roundEpochs, rate: middle(settings.roundRates),
                optimization: settings.optimization),
            fineTuning: LocalSettings(
                epochs: federation.fineTuningEpochs, rate: middle(settings.fineTuningRates),
                optimization: settings.optimization, parts: settings.parts[0]))
    }

    /// The best candidate, and all that were tried. Of equally good ones the one that the search begins with is taken, or
    /// else the first: few test examples make ties, and a tie is no reason to leave the middle of a grid.
    func run(_ method: any AdaptationMethod) async throws -> (best: Hyperparameters, records: [SearchRecord]) {
        var best = Self.start(settings, fleet.federation)
        var records: [SearchRecord] = []
        if method.tuning.contains(.round), settings.rounds > 0, settings.roundRates.count > 1 {
            let candidates = settings.roundRates.map { rate in
                var candidate = best
                candidate.round.rate = rate
                return candidate
            }
            best = try await choose(candidates, for: method, &records) ?? best
        }
        if method.tuning.contains(.fineTuning) {
            let candidates = settings.parts.flatMap { parts in
                settings.fineTuningRates.map { rate in
                    var candidate = best
                    candidate.fineTuning.rate = rate
                    candidate.fineTuning.parts = parts
                    return candidate
                }
            }
            if candidates.count > 1 { best = try await choose(candidates, for: method, &records) ?? best }
        }
        return (best, records)
    }

    private func choose(
        _ candidates: [Hyperparameters], for method: any AdaptationMethod, _ records: inout [SearchRecord]
    ) async throws -> Hyperparameters? {
        guard let code = method.codes.last else { return nil }
        var best: (number: Int, accuracy: Double)?
        let first = records.count
        let start = Self.start(settings, fleet.federation)
        let candidates =
            candidates.filter { $0.fineTuning == start.fineTuning && $0.round == start.round }
            + candidates.filter { $0.fineTuning == start.fineTuning && $0.round != start.round }
            + candidates.filter { $0.fineTuning != start.fineTuning }
        for (number, candidate) in candidates.enumerated() {
            let accuracy = try await method.run(on: fleet, candidate)[code]?.deviceAccuracies.mean
            if let accuracy, best.map({ accuracy > $0.accuracy }) ?? true { best = (number, accuracy) }
            records.append(
                SearchRecord(
                    row: row, seed: fleet.seed, method: code, candidate: candidate, accuracy: accuracy,
                    isChosen: false))
        }
        guard let best else { return nil }
        records[first + best.number].isChosen = true
        return candidates[best.number]
    }
}
