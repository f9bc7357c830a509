import ArgumentParser
import CommandSupport
import Datasets
import ECLMCore
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
              eclm prototype --task speech --dtype F16 --output-directory out/speech
              eclm prototype --data proxy.safetensors --spec net.json --settings fast.json --output-directory out
              registryctl release publish --manifest out/manifest.json

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
                importances: ImportanceScoring.importances(of: prototype.data.training, by: made.network.selector),
                summary: making.summary ?? source.summary, dtype: result.dtype)
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
