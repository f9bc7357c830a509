import Datasets
import Foundation
import Learning

/// Puts the parts of rows and seeds together.
struct ResultAssembly {
    private let settings: ExperimentSettings
    private let options: ExperimentRunner.Options
    private var parts: [RowRun.Parts] = []

    init(_ settings: ExperimentSettings, options: ExperimentRunner.Options) {
        self.settings = settings
        self.options = options
    }

    mutating func add(_ part: RowRun.Parts) throws { parts.append(part) }

    func outcome() throws -> ExperimentRunner.Outcome {
        let results = ExperimentResults(
            experiment: settings.name, title: settings.title, preset: settings.preset, command: options.command,
            setup: setup,
            machine: MachineFacts(
                cores: ProcessInfo.processInfo.activeProcessorCount, libtorch: TensorRuntime.version, threads: 1),
            rows: settings.rows.compactMap(row), ability: parts.compactMap(\.ability),
            caps: settings.rows.flatMap(caps),
            continuous: settings.rows.compactMap(continuous))
        return ExperimentRunner.Outcome(results: results, search: parts.flatMap(\.search))
    }

    private func parts(of row: ExperimentSettings.Row) -> [RowRun.Parts] { parts.filter { $0.row.key == row.key } }

    private func row(_ row: ExperimentSettings.Row) -> ExperimentResults.Row? {
        let parts = parts(of: row)
        guard let first = parts.first else { return nil }
        return ExperimentResults.Row(
            name: row.name, dataset: row.task.dataset.rawValue, skew: row.task.skew == .user ? .feature : .label,
            model: row.network.summary, devices: first.devices, seeds: parts.map(\.seed), fullModel: first.fullModel,
            methods: MethodCode.known.filter(settings.methods.contains).map { code in
                MethodResult(method: code, title: code.title, runs: parts.compactMap { $0.runs[code] })
            })
    }

    private func caps(_ row: ExperimentSettings.Row) -> [CapResult] {
        let parts = parts(of: row)
        return (settings.caps?.methods ?? []).map { code in
            let points = (settings.caps?.shares ?? []).compactMap { share -> CapPoint? in
                let measured = parts.compactMap { $0.caps[code]?.first { $0.cap == share } }
                    .filter { $0.accuracy != nil }
                guard !measured.isEmpty else { return nil }
                let peaks = measured.compactMap(\.peakTrainingMemory)
                let seconds = measured.compactMap(\.secondsPerBatch)
                return CapPoint(
                    cap: share, accuracies: measured.compactMap(\.accuracy),
                    subModelBytes: measured.map(\.subModelBytes).mean,
                    peakTrainingMemory: peaks.isEmpty ? nil : peaks.mean,
                    secondsPerBatch: seconds.isEmpty ? nil : seconds.mean)
            }
            return CapResult(row: row.name, method: code, points: points)
        }
    }

    private func continuous(_ row: ExperimentSettings.Row) -> ContinuousResult? {
        guard let continuous = settings.continuous else { return nil }
        let parts = parts(of: row)
        return ContinuousResult(
            row: row.name,
            methods: continuous.methods.map { code in
                ContinuousMethod(method: code, title: code.title, runs: parts.compactMap { $0.continuous[code] })
            })
    }

    private var setup: [Fact] {
        let federation = settings.federation
        var facts = [
            Fact("rounds", "\(federation.rounds)"),
            Fact("devices a round", "\(federation.devicesPerRound)"),
            Fact("local epochs a round", "\(federation.roundEpochs)"),
            Fact("epochs of local fine-tuning", "\(federation.fineTuningEpochs)"),
            Fact("batch", "\(federation.batch)"),
            Fact(
                "the cloud's dense nets",
                "\(settings.baseline.optimization.rawValue) \(settings.baseline.rate), \(settings.baseline.epochs) epochs"
            ),
            Fact(
                "the cloud's modular net",
                "\(settings.prototype.dense?.epochs ?? 0) epochs dense, "
                    + "\(settings.prototype.endToEnd.training.epochs) end to end, "
                    + "\(settings.prototype.abilityEnhancing?.training.epochs ?? 0) of ability enhancing"),
            Fact(
                "ours sends",
                "\(settings.exchange.encoding), devices "
                    + (settings.exchange.holdsModules ? "keep what they fetched" : "keep nothing")),
            Fact(
                "hyperparameters",
                "chosen on \(settings.search.devices) pseudo-devices of the proxy's validation data; round rates "
                    + "\(settings.search.roundRates), fine-tuning rates \(settings.search.fineTuningRates), "
                    + "\(settings.search.parts.map(\.rawValue)); all tried in \(settings.name)-search.json"),
        ]
        for part in parts {
            for (code, chosen) in part.chosen.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                facts.append(
                    Fact(
                        "\(part.row.key), seed \(part.seed), \(code)",
                        "rounds: \(chosen.round.text); fine-tuning: \(chosen.fineTuning.text)"))
            }
        }
        return facts
    }
}

extension NetworkSpecification {
    /// In short: `convolutions, 3 module layers of 16 (+ bypass)`.
    fileprivate var summary: String {
        let kinds = Set(layers.map(\.block))
        let kind = kinds == [.dense] ? "MLP" : kinds == [.convolution] ? "conv net" : "mixed net"
        let sizes = Set(layers.map(\.modules)).sorted().map(String.init).joined(separator: " or ")
        return "\(kind), \(layers.count) module layer\(layers.count == 1 ? "" : "s") of \(sizes)"
    }
}
