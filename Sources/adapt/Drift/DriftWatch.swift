import Adaptation
import CommandSupport
import Datasets
import ECLMCore
import EdgeClient
import Learning
import RPC

/// Looks at a device's data again and again, and adapts when it drifted.
struct DriftWatch {
    let adaptation: DeviceAdaptation
    let request: AdaptationRequest
    let path: String
    let options: DriftOptions
    let output: CommandOutput

    /// Adapts until it has done so as often as was asked for, by default for ever.
    func run() async throws {
        var seen: LocalData.Stamp?
        var adaptations = 0
        var failures = 0
        // Without an adapted model there is nothing to compare with, and a file that is no good is the caller's error.
        if (try? InstalledModel(of: request.model, in: adaptation.client.state)) == nil {
            seen = LocalData.Stamp(path)
            try await adapt(LocalData.read(path))
            adaptations += 1
        }
        while adaptations < options.adaptations ?? .max {
            guard let stamp = LocalData.Stamp(path), stamp != seen else {
                try await Task.sleep(for: .milliseconds(Int64(options.interval * 1000)))
                continue
            }
            do {
                let data = try LocalData.read(path)
                if try await shouldAdapt(to: data, isFirstLook: seen == nil) {
                    try await adapt(data)
                    adaptations += 1
                }
                seen = stamp
                failures = 0
            } catch let error as EdgeError where error.code == .unavailable {
                // The registry comes back; what was done is kept.
                failures += 1
                output.remark("\(error.message); trying again")
                try await Task.sleep(for: adaptation.client.registry.retry.backoff.pause(afterFailures: failures))
            } catch let error where error is DatasetError || error is LearningError {
                // Half-written, or data that teaches nothing: the next state of the file may do better.
                seen = stamp
                try output.event(Event.skipped("\(error.explanation)"), line: "not adapted: \(error.explanation)")
            }
        }
    }

    private func shouldAdapt(to data: TrainingData, isFirstLook: Bool) async throws -> Bool {
        if options.everyChange, !isFirstLook { return true }
        let verdict = try await adaptation.checkDrift(of: request.model, in: data, by: options.detector)
        let figures = verdict.tests.map {
            "\($0.signal.rawValue) p = \(Quantity.decimal($0.p, places: 4))"
        }.joined(separator: ", ")
        try output.event(
            Event.checked(verdict), line: (verdict.isDrift ? "the data drifted: " : "no drift: ") + figures)
        return verdict.isDrift
    }

    private func adapt(_ data: TrainingData) async throws {
        let document = AdaptDocument(try await Adapt.adapt(adaptation, request, to: data, output))
        try output.event(Event.adapted(document), line: document.line)
    }

    /// One line of the stream.
    private enum Event: Encodable {
        case checked(DriftDetector.Verdict)
        case adapted(AdaptDocument)
        case skipped(String)

        private enum CodingKeys: String, CodingKey { case event, verdict, adaptation, reason }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch self {
            case .checked(let verdict):
                try container.encode("checked", forKey: .event)
                try container.encode(verdict, forKey: .verdict)
            case .adapted(let document):
                try container.encode("adapted", forKey: .event)
                try container.encode(document, forKey: .adaptation)
            case .skipped(let reason):
                try container.encode("skipped", forKey: .event)
                try container.encode(reason, forKey: .reason)
            }
        }
    }
}
