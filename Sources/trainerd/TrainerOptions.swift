import ArgumentParser

/// The settings as options; each wins over its environment variable and its key in the file.
struct TrainerOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Read settings from this JSON file.", valueName: "path"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("The registry's database: a postgresql:// URI or key=value pairs.", valueName: "uri"))
    var database: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Keep new blobs in this directory instead of the database.", valueName: "path"))
    var blobDirectory: String?

    @Option(name: .long, help: ArgumentHelp("Where the migrations are, to check the schema against.", valueName: "path"))
    var migrations: String?

    @Option(name: .long, help: "The trainer's name in rounds and in the audit. (default: trainerd@HOST)")
    var name: String?

    @Option(name: .long, help: "The channel that rounds start from and move. (default: stable)")
    var channel: String?

    @Option(name: .customLong("model"), help: "Train only this model; may be repeated. (default: all)")
    var models: [String] = []

    @Option(name: .long, help: "Start a round when this many updates are pending. (default: 1)")
    var minimumUpdates: Int?

    @Option(name: .long, help: "Take at most this many updates into a round. (default: 256)")
    var maximumUpdates: Int?

    @Option(name: .long, help: "Start with fewer updates when the oldest has waited this long, such as 90s or 10m. (default: 60s)")
    var maximumWait: String?

    @Option(name: .long, help: "Look at the queue this often even without a notification. (default: 30s)")
    var pollInterval: String?

    @Flag(name: .long, inversion: .prefixedNo, help: "Whether the selector learns, too. (default: no)")
    var trainSelector: Bool?

    @Option(name: .long, help: "Connections to the database at most, 2 or more. (default: 4)")
    var connections: Int?
}
