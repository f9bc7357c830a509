import ECLMCore
import Logging
import Registry

extension Trainer {
    /// What came of trying a round with some updates.
    private enum Probe {
        /// Whether it counted any of them: all may have been found at fault before.
        case passed(counted: Bool)
        case refused(RegistryError)
        /// Others hold the updates, or a canary the channel.
        case nothing
    }

    /// Takes the update out of the queue that the database refuses every round with.
    ///
    /// - Parameter error: What the database said of a round with all of `updates`.
    /// - Throws: That error where no update can be blamed, since each fails or none fails alone; the registry's trouble.
    func isolate(
        among updates: [UpdateID], of model: String, _ error: RegistryError
    ) async throws(TrainerError) -> RoundOutcome {
        guard let (culprit, reason) = try await culprit(among: updates, of: model) else {
            throw TrainerError(error)
        }
        let text = "the database refuses every round with it: \(reason)"
        let refusal = RoundOutcome.Quarantined(
            updateID: culprit, reason: String(text.prefix(UpdateValidation.maximumReason)))
        do {
            try await registry.pool.registryTransaction { connection in
                try await Provenance(actor: name).apply(to: connection)
                try await Round.quarantine([refusal], on: connection)
            }
        } catch {
            throw TrainerError(error)
        }
        var outcome = RoundOutcome(model: model)
        outcome.quarantined = [refusal]
        return outcome
    }

    /// The update that fails alone, and fails again, while a round with others would be made; `nil` where that is true of
    /// none: a registry that refuses everything blames nobody.
    private func culprit(
        among updates: [UpdateID], of model: String
    ) async throws(TrainerError) -> (update: UpdateID, reason: String)? {
        var suspects = updates[...]
        var othersPass = false
        while suspects.count > 1 {
            let half = suspects.prefix(suspects.count / 2)
            switch try await probe(half, of: model) {
            case .refused: suspects = half
            case .passed(let counted):
                othersPass = othersPass || counted
                suspects = suspects.dropFirst(half.count)
            case .nothing: return nil
            }
        }
        guard let suspect = suspects.first, case .refused(let error) = try await probe(suspects, of: model) else {
            return nil
        }
        let rest = updates.filter { $0 != suspect }
        for others in [rest[...]] + rest.prefix(Self.maximumControls).map({ [$0][...] })
        where !othersPass && !others.isEmpty {
            if case .passed(counted: true) = try await probe(others, of: model) { othersPass = true }
        }
        return othersPass ? (suspect, error.message) : nil
    }

    /// Updates of which one alone must pass, where all others together do not.
    private static let maximumControls = 8

    private func probe(_ updates: ArraySlice<UpdateID>, of model: String) async throws(TrainerError) -> Probe {
        do throws(RegistryError) {
            _ = try await round(of: model, locksFirst: true, probed: Array(updates), claimed: ClaimLog()).run()
            return .nothing
        } catch {
            if let probed = error.cause as? RoundProbed { return .passed(counted: probed.outcome.round != nil) }
            guard error.isRefusalOfDatabase else { throw TrainerError(error) }
            return .refused(error)
        }
    }
}

extension TrainerError {
    /// Whether it is something that somebody must look at, and not the course of things.
    var holdsRoundsUp: Bool { ![.cancelled, .conflict, .invalidPolicy, .notFound].contains(code) }
}
