import ArgumentParser
import CommandSupport
import Datasets
import ECLMCore
import Experiments
import Learning

/// Where the data come from.
struct PrototypeSourceOptions: ParsableArguments {
    @Option(
        name: .long,
        help:
            "A data set's proxy part: \(Dataset.allCases.map(\.rawValue).joined(separator: ", ")) (`make data` first).")
    var task: Dataset?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Your own examples instead: a safetensors file with values, labels and perhaps sub_tasks.",
            valueName: "file"))
    var data: String?
    @Option(name: .long, help: ArgumentHelp("Examples to judge by, for --data.", valueName: "file"))
    var validation: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Classes a device, for images and speech: the split is that of the experiments.", valueName: "m"))
    var classes: Int?
    @Option(name: .long, help: "The most proxy examples to use; default: all.")
    var proxyLimit: Int?
    @Option(name: .long, help: ArgumentHelp("Where the data sets are.", valueName: "directory"))
    var dataDirectory = "data"

    func validate() throws {
        guard (task == nil) != (data == nil) else { throw ValidationError("give either --task or --data") }
        if validation != nil, data == nil { throw ValidationError("--validation goes with --data") }
        if data != nil, classes != nil || proxyLimit != nil {
            throw ValidationError("--classes and --proxy-limit go with --task")
        }
        if task == .har, classes != nil { throw ValidationError("har has one user a device; leave --classes out") }
    }

    var summary: String { task.map { "Prototype of the task \($0.rawValue)" } ?? "Prototype of own data" }

    func read(seed: UInt64) throws -> PrototypeData {
        guard let task else { return try PrototypeData(file: data ?? "", validation: validation) }
        let skew: Skew =
            switch task {
            case .har: .user
            case .images: .classes(classes ?? 2)
            case .speech: .classes(classes ?? 3)
            }
        return try PrototypeData(
            FederatedTask.make(
                TaskSettings(dataset: task, skew: skew, seed: seed, proxyLimit: proxyLimit), directory: dataDirectory))
    }

    func specification() throws -> NetworkSpecification {
        guard let task, let preset = NetworkSpecification.presets[task.rawValue] else {
            throw CommandFailure(.refused, "--data needs a network; name its document with --spec")
        }
        return preset
    }
}
