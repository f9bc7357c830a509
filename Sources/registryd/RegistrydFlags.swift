import ArgumentParser
import CommandSupport
import DaemonSettings
import ECLMCore
import RegistryPrograms

/// The flags of registryd; each has a setting of the same name in the environment and the file.
struct RegistrydFlags: ParsableArguments {
    @Option(help: "JSON file with settings.")
    var config: String?

    @OptionGroup var database: DatabaseFlags

    @Option(
        help: "Where to listen, HOST:PORT or a socket's path; port 0 lets the system choose. Default 127.0.0.1:7420.")
    var listen: String?

    @Option(help: "Write the bound endpoint to this file once the server listens.")
    var endpointFile: String?

    @Option(help: "How callers are known: none (everybody may do everything) or tokens. Default none.")
    var auth: String?

    @Option(help: "JSON file with access tokens: [{\"name\": …, \"secret\": …, \"roles\": [\"publisher\"]}].")
    var tokensFile: String?

    @Option(
        help: ArgumentHelp(
            "Serve metrics for Prometheus over HTTP there, at /metrics; without, nothing is measured.",
            valueName: "host:port"))
    var metrics: String?

    @Option(help: "Database connections. Default 8.")
    var poolSize: Int?

    @Option(help: "Client connections at a time. Default 4096.")
    var maxConnections: Int?

    @Option(help: "Calls in flight at a time; beyond, callers are told to come back. Default 4096.")
    var maxInFlight: Int?

    @Option(
        help: "Keep new blobs in this directory instead of the database; all programs of a registry must say the same.")
    var blobDirectory: String?

    @Option(help: "Memory for blobs that devices fetch, such as 256MiB.")
    var blobCache: ByteSize?

    @Option(help: "Seconds that a statement may take in the database. Default 60.")
    var statementTimeout: Double?

    @Option(help: "Seconds that calls in flight get to end at shutdown. Default 20.")
    var drainTimeout: Double?

    @OptionGroup var migrations: MigrationOptions
}
