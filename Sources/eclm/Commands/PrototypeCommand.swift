import ArgumentParser
import CommandSupport
import Datasets
import Experiments
import Foundation
import Learning
import Registry
import RegistryPrograms

struct PrototypeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prototype",
        abstract: "The offline stage: make a modular model of the cloud's data and publish it.",
        discussion: """
            Stage 1 trains modules and selector end to end, stage 2 (ability enhancing) gives each sub-task a few modules \
            and trains through small sub-models. The result goes to --output-directory (manifest, blobs and a report \
            with the routing before and after), to a registry (--publish), or both.

            The same data, specification, settings and seed give the same weights. With --checkpoint an interrupted \
            run goes on where it was; a finished one is only read.

            Examples:
              eclm prototype --task har --output-directory out/har --checkpoint out/har
              eclm prototype --task images --classes 2 --seed 7 --publish --channel canary --reason "first prototype"
              eclm prototype --data proxy.safetensors --spec net.json --settings fast.json --output-directory out
              registryctl publish --manifest out/manifest.json

            \(ExitStatus.help)
            """)

    @OptionGroup(title: "Data") var source: PrototypeSourceOptions
    @OptionGroup(title: "Making") var making: PrototypeMakingOptions
    @OptionGroup(title: "Result") var result: PrototypeResultOptions
    @OptionGroup(title: "Publication") var target: PublicationOptions
    @OptionGroup(title: "Database") var database: DatabaseOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await runCommand(global) { output in
            let profiles = try result.profiles()
            if result.publish {
                // Before hours are spent: can the registry be reached, and does it know the classes?
                try await database.withSession { session in
                    try await publisher(session).check(profiles: profiles)
                }
            }
            try TensorRuntime.setThreads(1)
            let prototype = try making.prototype(of: source)
            let made = try make(prototype, output)
            let costs = try ModuleCostMeasurement.measure(
                prototype.specification, batch: TrainingSettings().batch)
            let publication = try NetworkPublication(
                made.network, costs: costs,
                importances: NetworkPublication.importances(made.network.selector, over: prototype.data.training),
                summary: making.summary ?? source.summary)
            var document = PrototypeDocument(made, of: prototype, publication)
            if let directory = result.outputDirectory {
                document.files = try write(publication, made, prototype, to: directory)
            }
            if result.publish {
                let bar = output.progress("Storing blobs")
                defer { bar.finish() }
                bar.expect(publication.blobs.values.reduce(0) { $0 + Int64($1.count) })
                let outcome = try await database.withSession { session in
                    try await publisher(session).publish(
                        publication, channel: target.channelToMove, profiles: profiles, onBlob: bar.advance)
                }
                document.publication = PublicationDocument(
                    release: ReleaseDocument(outcome.publication.release),
                    newVersions: outcome.publication.newVersions, keptVersions: outcome.publication.keptVersions,
                    blobsStored: outcome.blobsStored, bytesStored: outcome.bytesStored)
                document.costsRecorded = outcome.costsRecorded
            }
            try output.result(document) { _ in document.text }
        }
    }

    private func publisher(_ session: RegistrySession) -> PrototypePublisher {
        PrototypePublisher(registry: session.registry, as: database.provenance(reason: target.reason))
    }

    private func make(_ prototype: Prototype, _ output: CommandOutput) throws -> PrototypeResult {
        let bar = output.progress("Training", counting: .count("steps"))
        defer { bar.finish() }
        let total = Int64(prototype.totalSteps)
        bar.expect(total)
        var last = 0
        let checkpoint = try making.checkpointFile()
        let made = try prototype.run(checkpoint: checkpoint) { progress in
            bar.relabel(
                "\(progress.stage.rawValue.replacing("_", with: " ")), loss \(Quantity.decimal(progress.loss, places: 3))"
            )
            if last == 0, progress.done > 1 { output.remark("Going on behind step \(progress.done - 1) of \(total).") }
            bar.advance(Int64(progress.done - last))
            last = progress.done
        }
        bar.finish()
        if last == 0, made.resumedAt > 0 {
            output.remark("The checkpoint holds the finished prototype; nothing to train.")
        }
        return made
    }

    private func write(
        _ publication: NetworkPublication, _ made: PrototypeResult, _ prototype: Prototype, to directory: String
    ) throws -> [String] {
        try publication.write(to: directory)
        let name = String(
            prototype.specification.model.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        let results = try PrototypeResults(
            made, of: prototype, name: name, command: making.command(source), costs: publication.costs)
        return ["manifest.json"]
            + (try ReportWriter.write(results, to: directory)).map {
                URL(fileURLWithPath: $0).lastPathComponent
            }
    }
}
<<<<<<< HEAD
=======

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

/// Where the result goes.
struct PrototypeResultOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("Write manifest, blobs and report here.", valueName: "directory"))
    var outputDirectory: String?
    @Flag(name: .long, help: "Publish to the registry that --database names.")
    var publish = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Record costs measured on a device class, by its profile; with --publish.", valueName: "file.json"))
    var classProfile: [String] = []

    func validate() throws {
        guard publish || outputDirectory != nil else {
            throw ValidationError("the result would be lost: give --output-directory, --publish or both")
        }
        if !publish, !classProfile.isEmpty { throw ValidationError("--class-profile goes with --publish") }
    }

    func profiles() throws -> [DeviceClassProfile] {
        try classProfile.map {
            try DeviceClassProfile.parse(InputFile.read($0, what: "class profile", limit: 1 << 20))
        }
    }
}

/// What the command prints.
struct PrototypeDocument: Encodable {
    var model: String
    var seed: UInt64
    var steps: Int
    var resumedAt: Int
    var parameters: Int
    var modules: Int
    var bytes: Int64
    var loss: Double?
    var validationAccuracy: Double?
    var files: [String] = []
    var publication: PublicationDocument?
    var costsRecorded: [String: Int]?

    init(_ made: PrototypeResult, of prototype: Prototype, _ publication: NetworkPublication) {
        model = publication.manifest.model
        seed = prototype.seed
        steps = prototype.totalSteps
        resumedAt = made.resumedAt
        parameters = made.network.parameterCount
        modules = publication.manifest.modules.count
        bytes = publication.manifest.modules.reduce(0) { $0 + $1.costs.bytes }
        loss = made.history.epochs.last?.loss
        validationAccuracy = made.history.epochs.last?.validationAccuracy
    }

    var text: String {
        var fields = FieldList()
        fields.add("model", model)
        fields.add("modules", "\(modules), \(parameters) parameters, \(ByteSize(bytes))")
        fields.add("steps", resumedAt > 0 ? "\(steps), \(resumedAt) of them in an earlier run" : "\(steps)")
        fields.add("loss", loss.map { Quantity.decimal($0, places: 4) })
        fields.add("validation accuracy", validationAccuracy.map { Quantity.decimal(100 * $0, places: 2) + " %" })
        fields.add("files", files.isEmpty ? nil : files.joined(separator: " "))
        if let release = publication?.release {
            fields.add("release", release.release)
            fields.add("new versions", publication?.newVersions)
            fields.add("channels", release.channels.joined(separator: " "))
        }
        for (name, count) in (costsRecorded ?? [:]).sorted(by: { $0.key < $1.key }) {
            fields.add("costs on \(name)", "\(count) modules")
        }
        return fields.rendered()
    }
}
>>>>>>> online
