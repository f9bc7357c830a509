import ArgumentParser
import CommandSupport
import Development
import Dispatch
import ECLMCore
import Foundation
import RegistryPrograms

struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a private registry: PostgreSQL, registryd and trainerd, until Ctrl-C.",
        discussion: """
            Nothing must be configured; the data stays in --data for the next start. PostgreSQL's server programs are \
            found by PG_BINDIR, pg_config, or in the usual folders. It listens on a Unix socket that only you may \
            open. Ctrl-C stops everything in order; twice, at once.

            Example:
              registryctl dev &
              . .eclm/dev/dev.env
              registryctl model import --checkpoint model.safetensors --spec spec.json
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("Where the data is kept, .eclm/dev without it.", valueName: "directory"))
    var data: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Where registryd listens; port 0 lets the system choose.", valueName: "host:port"))
    var listen = "127.0.0.1:7420"
    @Option(
        name: .long,
        help: ArgumentHelp("Write the variables of dev.env to this file once all is up.", valueName: "path"))
    var readyFile: String?
    @Option(name: .long, help: ArgumentHelp("A JSON file with settings for registryd.", valueName: "file"))
    var registrydConfig: String?
    @Option(name: .long, help: ArgumentHelp("A JSON file with settings for trainerd.", valueName: "file"))
    var trainerdConfig: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Run a region of this registry; several servers of it may be given. Needs --parent-state.",
            valueName: "endpoint"))
    var parent: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where `edgectl register --state` made the region a device of the parent.", valueName: "directory"))
    var parentState: String?
    @OptionGroup var migrations: MigrationOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard parent.isEmpty == (parentState == nil) else {
            throw ValidationError("--parent and --parent-state belong together: give both for a region, or neither")
        }
    }

    func run() async throws {
        // The caller's settings for libpq lead elsewhere: this process and its children talk to their own server.
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("PG") && name != "PG_BINDIR" {
            unsetenv(name)
        }
        try await runCommand(options) { output in
            var configuration = DevelopmentRegistry.Configuration(
                directory: data ?? ".eclm/dev", programs: try ProgramFolder.own())
            configuration.isNamed = data != nil
            configuration.migrator = try migrations.migrator()
            configuration.listen = listen
            configuration.registrydConfig = registrydConfig
            configuration.trainerdConfig = trainerdConfig
            configuration.parent = parentState.map { .init(endpoints: parent, state: $0) }
            if let readyFile { try? FileManager.default.removeItem(atPath: readyFile) }
            defer {
                if let readyFile { try? FileManager.default.removeItem(atPath: readyFile) }
            }

            let stop = StopSignal()
            let signals = SignalHandlers([SIGINT, SIGTERM, SIGHUP]) { stop.request() }
            defer { signals.cancel() }
            let registry = DevelopmentRegistry(configuration) { [readyFile] event in
                switch event {
                case .line(let program, let text):
                    guard !output.isQuiet else { return }
                    // Not a remark: with JSON, too, people read the logs.
                    let name = program.padding(toLength: 9, withPad: " ", startingAt: 0)
                    FileHandle.standardError.write(Data("\(name) | \(text)\n".utf8))
                case .ready(let endpoints):
                    try? output.result(endpoints) { _ in Self.banner(endpoints) }
                    if let readyFile {
                        try? Data(endpoints.shellText.utf8).write(to: URL(fileURLWithPath: readyFile), options: .atomic)
                    }
                case .stopping:
                    output.remark("Stopping.")
                }
            }
            try await registry.run(until: stop)
        }
    }

    private static func banner(_ endpoints: DevelopmentRegistry.Endpoints) -> String {
        var fields = FieldList()
        fields.add("registry", endpoints.registry)
        fields.add("database", endpoints.database)
        fields.add("data", endpoints.directory)
        fields.add("shell", ". \(endpoints.environmentFile)")
        fields.add("psql", "psql \"\(endpoints.database)\"")
        fields.add("stop", "Ctrl-C")
        return "The registry is up.\n\n" + fields.rendered() + "\n"
    }
}

/// Handles signals outside of any thread's ordinary work.
private final class SignalHandlers {
    private let sources: [any DispatchSourceSignal]

    init(_ signals: [Int32], _ body: @escaping @Sendable () -> Void) {
        sources = signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: body)
            source.resume()
            return source
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
    }
}
