import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct Pull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pull the sub-model that serves this device best within its budget.",
        discussion: """
            Fetches only the modules that the cache lacks, and goes on where an interrupted pull stopped. The directory \
            then holds MODULE.safetensors files, which are links to the cache and must not be changed, and submodel.json.

            Example:
              edgectl pull --model vision --memory 12MiB --fetch-bytes 4MiB --importances importances.json

            \(ExitStatus.help)
            """)

    @OptionGroup var pull: PullOptions

    @Option(name: .long, help: "Use the release of this number instead of a channel's.")
    var release: Int32?

    @Flag(name: .long, help: "Tell what was left out, and why.")
    var explain = false

    @Flag(name: .long, help: "Compose only; fetch and write nothing.")
    var dryRun = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await runCommand(global) { output in
            let request = try pull.request(release: release, explains: explain)
            try await connection.withClient { client in
                if dryRun {
                    try PullReport(try await client.compose(request)).print(to: output)
                } else {
                    try await Self.pull(client, request, pull, output).print(to: output)
                }
            }
        }
    }

    static func pull(
        _ client: EdgeClient, _ request: PullRequest, _ options: PullOptions, _ output: CommandOutput
    ) async throws -> PullReport {
        let bar = output.progress("pulling \(request.model)")
        defer { bar.finish() }
        return PullReport(
            try await client.pull(request, to: options.out, overwrites: options.overwrite) { bar.show($0) })
    }
}

/// What a pull did, or would do.
struct PullReport: Encodable {
    struct Module: Encodable {
        var module: String
        var layer: Int?
        var version: Int32
        var digest: String
        var bytes: Int64
        var importance: Double
        var held: Bool
        var memory: Int64
        var flops: Int64
    }

    struct Transfer: Encodable {
        var fetchedModules: Int
        var fetchedBytes: Int64
        var bytesSent: Int64
        var bytesReceived: Int64
    }

    var model: String
    var release: Int32
    var modules: [Module]
    var totals: Budget
    var budget: Budget
    var objective: Double
    var gap: Double
    var optimal: Bool
    var binding: [String]
    var solveUs: Int64
    var excluded: [ExcludedReport]?
    var directory: String?
    var transfer: Transfer?

    init(_ composition: SubModelComposition) {
        model = composition.model
        release = composition.release
        modules = composition.modules.map {
            Module(
                module: $0.module, layer: $0.slot.layer, version: $0.version, digest: $0.digest.description,
                bytes: $0.bytes, importance: $0.importance, held: $0.isHeld, memory: $0.memory, flops: $0.flops)
        }
        totals = composition.totals
        budget = composition.budget
        objective = composition.objective
        gap = composition.gap
        optimal = composition.isOptimal
        binding = composition.binding.map(\.rawValue)
        solveUs = composition.searchMicroseconds
        excluded = composition.excluded.isEmpty ? nil : composition.excluded.map(ExcludedReport.init)
    }

    init(_ result: PullResult) {
        self.init(result.composition)
        directory = result.directory
        transfer = Transfer(
            fetchedModules: result.fetchedModules, fetchedBytes: result.fetchedBytes,
            bytesSent: result.traffic.sent, bytesReceived: result.traffic.received)
    }

    func print(to output: CommandOutput) throws {
        try output.result(self) { width in
            var table = Table([
                "module", .number("version"), .number("size"), .number("memory"), .number("flops"),
                .number("importance"), "held", "digest",
            ])
            for module in modules {
                table.add([
                    module.module, "\(module.version)", "\(ByteSize(module.bytes))", "\(ByteSize(module.memory))",
                    "\(OperationCount(module.flops))", Quantity.decimal(module.importance, places: 4),
                    module.held ? "yes" : "no", String(module.digest.dropFirst(7).prefix(12)),
                ])
            }
            var text = table.rendered(width: width) + "\n" + fields.rendered()
            if let excluded {
                var left = Table(["left out", .number("importance"), "why"])
                for module in excluded {
                    left.add([
                        module.module, Quantity.decimal(module.importance, places: 4),
                        module.reasons.isEmpty ? "not worth its cost" : module.reasons.joined(separator: "; "),
                    ])
                }
                text += "\n" + left.rendered(width: width)
            }
            return text
        }
    }

    private var fields: FieldList {
        var fields = FieldList()
        fields.add("model", "\(model), release \(release)")
        fields.add("memory", Self.spent(totals.memory.map(ByteSize.init), budget.memory.map(ByteSize.init)))
        fields.add("flops", Self.spent(totals.flops.map(OperationCount.init), budget.flops.map(OperationCount.init)))
        fields.add("fetch", Self.spent(totals.fetchBytes.map(ByteSize.init), budget.fetchBytes.map(ByteSize.init)))
        let proof = optimal ? "optimal" : "within \(Quantity.decimal(gap * 100, places: 2)) % of the best"
        fields.add("importance", "\(Quantity.decimal(objective, places: 4)), \(proof)")
        if !binding.isEmpty { fields.add("limited by", binding.joined(separator: ", ")) }
        if let transfer {
            fields.add(
                "fetched",
                "\(transfer.fetchedModules) modules, \(ByteSize(transfer.fetchedBytes)) of weights; on the connection "
                    + "\(ByteSize(transfer.bytesReceived)) received, \(ByteSize(transfer.bytesSent)) sent")
        }
        fields.add("directory", directory)
        return fields
    }

    private static func spent(_ total: (some CustomStringConvertible)?, _ budget: (some CustomStringConvertible)?)
        -> String?
    {
        guard let total else { return nil }
        return "\(total) of \(budget?.description ?? "unlimited")"
    }
}
