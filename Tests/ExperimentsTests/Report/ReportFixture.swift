import Experiments
import Foundation

/// Measurements that are made up by formulas, for tests of the reports alone.
enum ReportFixture {
    static let machine = MachineFacts(cores: 2, libtorch: "1.13.1")

    /// A run whose curve rises from `start` to `end` in `rounds` rounds of `bytes` each way.
    static func run(
        seed: UInt64, from start: Double, to end: Double, rounds: Int = 12, bytes: Int = 1_000_000, speed: Double = 0.4,
        size: Double = 400_000, encoding: String? = "full"
    ) -> RunResult {
        let curve = (0...max(0, rounds)).map { round in
            let wobble = 0.004 * sin(Double(round) * 1.7 + Double(seed))
            let share = rounds == 0 ? 1 : 1 - exp(-speed * Double(round))
            return CurvePoint(
                round: round, bytesUp: bytes * round, bytesDown: bytes * round,
                accuracy: start + (end - start) * share + wobble + 0.003 * Double(seed))
        }
        let last = curve[curve.count - 1]
        return RunResult(
            seed: seed, deviceAccuracies: (0..<20).map { last.accuracy + 0.002 * Double($0 - 10) },
            curve: rounds == 0 ? [] : curve, bytesUp: last.bytesUp, bytesDown: last.bytesDown, subModelBytes: size,
            subModelParameters: size / 4, peakTrainingMemory: size * 9, secondsPerBatch: size / 1e8, localSteps: 4_000,
            encoding: rounds == 0 ? nil : encoding, overTheWire: rounds > 0)
    }

    static func method(_ code: MethodCode, _ title: String, _ run: (UInt64) -> RunResult) -> MethodResult {
        MethodResult(method: code, title: title, runs: [1, 2, 3].map(run))
    }

    static func row(_ name: String = "images, 2 classes a device", skew: ExperimentResults.Skew = .label)
        -> ExperimentResults.Row
    {
        ExperimentResults.Row(
            name: name, dataset: "images", skew: skew, model: "conv net, 3 module layers of 16", devices: 20,
            seeds: [1, 2, 3],
            fullModel: ExperimentResults.FullModel(
                bytes: 2_000_000, parameters: 500_000, peakTrainingMemory: 18_000_000, secondsPerBatch: 0.021),
            methods: [
                method(.ours, "Ours") {
                    run(seed: $0, from: 0.7, to: 0.93, bytes: 200_000, speed: 0.9, encoding: "int8_delta")
                },
                method(.noAdaptation, "No adaptation") {
                    run(seed: $0, from: 0.7, to: 0.7, rounds: 0, size: 2_000_000)
                },
                method(.localAdaptation, "Local fine-tuning") {
                    run(seed: $0, from: 0.84, to: 0.84, rounds: 0, size: 2_000_000)
                },
                method(.adaptiveNet, "AdaptiveNet-like") { run(seed: $0, from: 0.86, to: 0.86, rounds: 0) },
                method(.fedAvg, "FedAvg") { run(seed: $0, from: 0.7, to: 0.8, size: 2_000_000) },
                method(.fedAvgFineTuned, "FedAvg, then local fine-tuning") {
                    run(seed: $0, from: 0.84, to: 0.9, size: 2_000_000)
                },
                method(.heteroFL, "HeteroFL") { run(seed: $0, from: 0.66, to: 0.78, bytes: 600_000, size: 900_000) },
                method(.heteroFLMasked, "HeteroFL, masked") {
                    run(seed: $0, from: 0.66, to: 0.79, bytes: 600_000, size: 900_000)
                },
                method(.heteroFLFineTuned, "HeteroFL, fine-tuned") {
                    run(seed: $0, from: 0.8, to: 0.875, bytes: 600_000, size: 900_000)
                },
                method(.heteroFLMaskedFineTuned, "HeteroFL, masked, fine-tuned") {
                    run(seed: $0, from: 0.81, to: 0.88, bytes: 600_000, size: 900_000)
                },
                method(.oursFullWeights, "Ours, every byte sent") {
                    run(seed: $0, from: 0.7, to: 0.93, bytes: 600_000, speed: 0.9)
                },
                method(.oursRandomModules, "Ours, random modules") {
                    run(seed: $0, from: 0.6, to: 0.81, bytes: 200_000)
                },
                method(.oursNoCloud, "Ours without the cloud") { run(seed: $0, from: 0.83, to: 0.83, rounds: 0) },
            ])
    }

    static func caps(_ method: MethodCode, _ row: String, at20: Double, at50: Double) -> CapResult {
        CapResult(
            row: row, method: method,
            points: (1...10).map { tenth in
                let cap = Double(tenth) / 10
                let accuracy = at20 + (at50 - at20) * (cap - 0.2) / 0.3 * (cap > 0.5 ? 0.3 / (cap - 0.2) : 1)
                return CapPoint(
                    cap: cap, accuracies: [-0.01, 0, 0.01].map { accuracy + $0 }, subModelBytes: 2_000_000 * cap,
                    peakTrainingMemory: 18_000_000 * cap, secondsPerBatch: 0.02 * cap)
            })
    }

    static let ability: AbilityResult = {
        let gates = { (sharpness: Double) in
            (0..<10).map { task in
                let raw = (0..<16).map { exp(-sharpness * Double(($0 + task * 3) % 16)) }
                return raw.map { $0 / raw.reduce(0, +) }
            }
        }
        return AbilityResult(
            name: "images", seed: 1, subTasks: (0..<10).map { "class \($0)" },
            layers: (1...3).map {
                RoutingLayer(name: "layer \($0)", before: gates(0.05), mapping: gates(2), after: gates(0.7))
            })
    }()

    static func continuous(_ row: String) -> ContinuousResult {
        let run = { (seed: UInt64, level: Double, seconds: Double) in
            ContinuousRun(
                seed: seed,
                accuracies: (0..<100).map { level + 0.02 * sin(Double($0) / 5 + Double(seed)) },
                seconds: [Double](repeating: seconds, count: 100),
                bytesUp: [Int](repeating: seconds < 1 ? 40_000 : 0, count: 100),
                bytesDown: [Int](repeating: seconds < 1 ? 30_000 : 0, count: 100))
        }
        return ContinuousResult(
            row: row,
            methods: [
                ContinuousMethod(method: .ours, title: "Ours", runs: [1, 2, 3].map { run($0, 0.92, 0.5) }),
                ContinuousMethod(method: .localAdaptation, title: "Local", runs: [1, 2, 3].map { run($0, 0.86, 2) }),
                ContinuousMethod(method: .noAdaptation, title: "None", runs: [1, 2, 3].map { run($0, 0.7, 0) }),
            ])
    }

    static var experiment: ExperimentResults {
        let row = row()
        return ExperimentResults(
            experiment: "images", title: "Fashion-MNIST", preset: "quick",
            command: "eclm experiment images --preset quick --seeds 1,2,3",
            setup: [Fact("devices a round", "10"), Fact("learning rate", "0.001")], machine: machine,
            rows: [row, Self.row("images, 5 classes a device")], ability: [ability],
            caps: [
                caps(.ours, row.name, at20: 0.9, at50: 0.93),
                caps(.oursNoAbilityEnhancing, row.name, at20: 0.82, at50: 0.92),
                caps(.oursRandomModules, row.name, at20: 0.7, at50: 0.9),
            ], continuous: [continuous(row.name)])
    }

    static var prototype: PrototypeResults {
        let epochs = { (count: Int, loss: Double) in
            (1...count).map {
                TrainingEpoch(
                    epoch: $0, loss: loss / Double($0), regularisation: 0.1 / Double($0),
                    validationAccuracy: 0.9 - 0.3 / Double($0))
            }
        }
        return PrototypeResults(
            name: "har-prototype", title: "Prototype for activities", command: "eclm prototype --spec har.json",
            seed: 1, setup: [Fact("network", "MLP, 1 module layer of 16")], machine: machine,
            stages: [
                TrainingStage(name: "end to end", epochs: epochs(10, 2)),
                TrainingStage(name: "ability enhancing", epochs: epochs(4, 0.4)),
            ], routing: ability, caps: [caps(.ours, "har", at20: 0.9, at50: 0.93)], modelBytes: 400_000,
            modules: [
                ModuleCostResult(
                    module: "stem", kind: "stem", parameters: 5_000, bytes: 20_000, flops: 10_000,
                    peakTrainingMemory: 60_000)
            ])
    }

    /// A folder for `body`, removed afterwards.
    static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}
