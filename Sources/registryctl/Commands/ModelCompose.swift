import ArgumentParser
import CommandSupport
import Composition
import ECLMCore
import Foundation
import Registry
import RegistryPrograms

struct ModelCompose: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "compose", abstract: "Composes the best sub-model for a device's means, as a server would answer.",
        discussion: """
            Figures that are not given come from the device class, and without a class there is no limit. The answer \
            is exact unless the time limit cuts the search; then the gap says by how much it may fall short.

            --importances is JSON: {"layers": [[0.1, …], …]}, one array a layer as edgectl takes it, or an object of \
            module names and importances (others keep the release's). --held lists digests that the device has, one a line.

            Examples:
              registryctl model compose minilm --device-class pi4 --fetch-bytes 4MiB --explain
              registryctl model compose minilm --memory 12MiB --flops 3G --importances gates.json --output json
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var release: ReleaseOptions
    @Option(name: .long, help: ArgumentHelp("The device's class.", valueName: "name"))
    var deviceClass: String?
    @Option(name: .long, help: ArgumentHelp("Memory the sub-model may use.", valueName: "bytes"))
    var memory: ByteSize?
    @Option(name: .long, help: ArgumentHelp("Operations the sub-model may use for one sample.", valueName: "count"))
    var flops: OperationCount?
    @Option(name: .long, help: ArgumentHelp("Bytes the device may fetch.", valueName: "bytes"))
    var fetchBytes: ByteSize?
    @Option(name: .long, help: ArgumentHelp("What the modules are worth to the device.", valueName: "file"))
    var importances: String?
    @Option(name: .long, help: ArgumentHelp("The digests that the device holds.", valueName: "file"))
    var held: String?
    @Option(name: .long, help: ArgumentHelp("Modules wanted in every layer, at least.", valueName: "number"))
    var minimumPerLayer = 1
    @Option(name: .long, help: ArgumentHelp("When to stop the search.", valueName: "milliseconds"))
    var timeLimit = 10_000
    @Flag(name: .long, help: "Tell what binds, what was chosen layer by layer, and what was left out and why.")
    var explain = false
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard minimumPerLayer >= 1 else { throw ValidationError("--minimum-per-layer is at least 1") }
        guard (1...3_600_000).contains(timeLimit) else {
            throw ValidationError("--time-limit is \(timeLimit); give 1 to 3600000 milliseconds")
        }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let catalogue = try await Catalogue.load(registry: session.registry, logger: session.logger)
        let release = try await catalogue.release(of: model, release.selector)
        var query = CompositionQuery(
            budget: Budget(memory: memory?.bytes, flops: flops?.operations, fetchBytes: fetchBytes?.bytes),
            minimumPerLayer: minimumPerLayer, limits: CompositionLimits(time: .milliseconds(timeLimit)))
        if let deviceClass {
            let snapshot = catalogue.snapshot
            try query.use(deviceClass: deviceClass, in: snapshot, for: release)
            query.limitByTraits()
        }
        if let importances { query.importances = try ImportanceFile.read(importances, for: release.release) }
        if let held { query.held = try Self.digests(held) }

        let answer = try release.compose(query)
        switch answer.outcome {
        case .infeasible(let infeasibility):
            let document = InfeasibilityDocument(answer, infeasibility, model: model, budget: query.budget)
            throw CommandFailure(
                .infeasible, infeasibility.message, hint: document.hint, details: document)
        case .composed(let modules, let solution):
            let document = CompositionDocument(
                answer, modules, solution, model: model, deviceClass: deviceClass, budget: query.budget,
                layers: release.release.layers.map(\.count), explain: explain)
            try output.result(document) { CompositionReport(document: document).rendered(width: $0) }
        }
    }

    private static func digests(_ path: String) throws -> Set<Digest> {
        let data = try InputFile.read(path, what: "list of held digests")
        var digests: Set<Digest> = []
        for (number, line) in String(decoding: data, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() {
            let text = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
                .trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty else { continue }
            do throws(DigestError) {
                digests.insert(try Digest(text))
            } catch {
                throw CommandFailure(.refused, "\(path), line \(number + 1): \(error.explanation)")
            }
        }
        return digests
    }
}

/// What the modules are worth to a device, as `--importances` takes it.
enum ImportanceFile {
    private enum Content: Decodable {
        case layers([[Double]])
        case modules([String: Double])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let file = try? container.decode([String: [[Double]]].self), let layers = file["layers"], file.count == 1
            {
                self = .layers(layers)
            } else if let modules = try? container.decode([String: Double].self) {
                self = .modules(modules)
            } else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: #"give {"layers": [[0.1, …], …]}, or an object of module names and numbers"#)
            }
        }
    }

    /// The importance of every module of every layer, in index order.
    static func read(_ path: String, for release: CatalogueRelease) throws -> [[Double]] {
        switch try InputFile.json(path, what: "importances", as: Content.self) {
        case .layers(let layers):
            return layers
        case .modules(var modules):
            let layers = release.layers.map { layer in
                layer.map { modules.removeValue(forKey: $0.module) ?? $0.importance }
            }
            if let unknown = modules.keys.min() {
                throw CommandFailure(
                    .notFound,
                    "\(path): release \(release.number) of \(release.model) has no module \(unknown.debugDescription) in "
                        + "its layers",
                    hint: "list-modules shows those there are")
            }
            return layers
        }
    }
}
