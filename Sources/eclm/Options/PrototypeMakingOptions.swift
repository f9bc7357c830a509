import ArgumentParser
import CommandSupport
import Datasets
import ECLMCore
import Foundation
import Learning

/// What is made, and how.
struct PrototypeMakingOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("The network's specification; default: the task's.", valueName: "file.json"))
    var spec: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The stages' settings; what the document leaves out has its default.", valueName: "file.json"))
    var settings: String?
    @Option(name: .long, help: "The seed of the split and of all training.")
    var seed: UInt64 = 1
    @Option(
        name: .long,
        help: ArgumentHelp("The model's name in the registry; else the specification's.", valueName: "name"))
    var model: String?
    @Option(name: .long, help: ArgumentHelp("What the model does, for people.", valueName: "text"))
    var summary: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Keep the state here, and go on from it where there is one.", valueName: "directory"))
    var checkpoint: String?

    func prototype(of source: PrototypeSourceOptions) throws -> Prototype {
        let settings = try self.settings.map {
            try PrototypeSettings.parse(InputFile.read($0, what: "settings", limit: 1 << 20))
        }
        let data = try source.read(seed: seed)
        var specification =
            try spec.map { try NetworkSpecification.parse(InputFile.read($0, what: "specification", limit: 1 << 20)) }
            ?? source.specification()
        if let model { specification.model = model }
        return try Prototype(specification, data: data, settings: settings ?? .init(), seed: seed)
    }

    func checkpointFile() throws -> String? {
        guard let checkpoint else { return nil }
        do {
            try FileManager.default.createDirectory(atPath: checkpoint, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(.refused, "cannot make the folder \(checkpoint): \(error.localizedDescription)")
        }
        return checkpoint + "/prototype.checkpoint.safetensors"
    }

    /// The command as the report tells it: what decides the weights, and no paths of this machine.
    func command(_ source: PrototypeSourceOptions) -> String {
        var words = ["eclm prototype"]
        func add(_ option: String, _ value: (some CustomStringConvertible)?) {
            if let value { words.append("\(option) \(value)") }
        }
        add("--task", source.task?.rawValue)
        add("--data", source.data.map { URL(fileURLWithPath: $0).lastPathComponent })
        add("--validation", source.validation.map { URL(fileURLWithPath: $0).lastPathComponent })
        add("--classes", source.classes)
        add("--proxy-limit", source.proxyLimit)
        add("--spec", spec.map { URL(fileURLWithPath: $0).lastPathComponent })
        add("--settings", settings.map { URL(fileURLWithPath: $0).lastPathComponent })
        add("--model", model)
        add("--seed", seed)
        return words.joined(separator: " ")
    }
}
