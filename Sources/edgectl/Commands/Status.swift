import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the device, its sub-models and its cache, without asking the registry.",
        discussion: """
            Example:
              edgectl status --output json

            \(ExitStatus.help)
            """)

    @OptionGroup var state: StateOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await runCommand(global) { output in
            let report = try Report(try state.offlineClient())
            try output.result(report) { width in report.text(width: width) }
        }
    }

    private struct Report: Encodable {
        struct SubModel: Encodable {
            var model: String
            var release: Int32
            var channel: String?
            var modules: Int
            var bytes: Int64
            var directory: String
        }

        var deviceId: String?
        var deviceClass: String?
        var state: String
        var subModels: [SubModel]
        var cache: CacheReport

        init(_ client: EdgeClient) throws {
            let identity = try client.identity()
            deviceId = identity?.deviceID
            deviceClass = identity?.deviceClass
            state = client.state.path
            subModels = try client.state.subModels().map { subModel in
                SubModel(
                    model: subModel.manifest.model, release: subModel.manifest.release,
                    channel: subModel.manifest.channel, modules: subModel.manifest.modules.count,
                    bytes: subModel.manifest.modules.reduce(0) { $0 + $1.bytes }, directory: subModel.path)
            }
            cache = CacheReport(try client.cache.contents())
        }

        func text(width: Int?) -> String {
            var fields = FieldList()
            fields.add("device", deviceId ?? "not registered")
            fields.add("class", deviceClass)
            fields.add("state", state)
            fields.add("cache", cache.summary)
            guard !subModels.isEmpty else { return fields.rendered() }
            var table = Table([
                "model", .number("release"), "channel", .number("modules"), .number("size"), "directory",
            ])
            for subModel in subModels {
                table.add([
                    subModel.model, "\(subModel.release)", subModel.channel ?? "-", "\(subModel.modules)",
                    "\(ByteSize(subModel.bytes))", subModel.directory,
                ])
            }
            return fields.rendered() + "\n" + table.rendered(width: width)
        }
    }
}

/// What a cache holds, in sum.
struct CacheReport: Encodable {
    var blobs: Int
    var bytes: Int64
    var partials: Int
    var partialBytes: Int64

    init(_ contents: BlobCache.Contents) {
        blobs = contents.entries.count
        bytes = contents.bytes
        partials = contents.partials.count
        partialBytes = contents.partialBytes
    }

    var summary: String {
        "\(blobs) blobs, \(ByteSize(bytes))" + (partials == 0 ? "" : "; \(partials) partial, \(ByteSize(partialBytes))")
    }
}
