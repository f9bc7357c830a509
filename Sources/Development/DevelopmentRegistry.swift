import Foundation
import Logging
import PostgreSQL
public import Registry
import Synchronization

/// A whole registry on one machine for development: PostgreSQL, registryd and trainerd as children of this process.
///
/// Everything the children know is in the data directory. They end in order when this process is told to stop, when one
/// of them ends by itself, and when this process dies.
public struct DevelopmentRegistry: Sendable {
    /// What to start, and where.
    public struct Configuration: Sendable {
        /// The data directory; made where there is none.
        public var directory: String
        /// Whether somebody named the directory, and so answers for what is in it. Of one that is merely looked up below
        /// the working directory, a database is started only if this user made it.
        public var isNamed = true
        /// Where registryd listens, `HOST:PORT`; port 0 lets the system choose.
        public var listen = "127.0.0.1:7420"
        /// What the schema shall be.
        public var migrator = Migrator.embedded
        /// The folder with `registryd` and `trainerd`.
        public var programs: String
        /// registryd's JSON file with settings.
        public var registrydConfig: String?
        /// trainerd's JSON file with settings.
        public var trainerdConfig: String?
        /// The registry that this one is a region of.
        public var parent: Parent?

        /// A configuration with defaults for all else.
        public init(directory: String, programs: String) {
            self.directory = directory
            self.programs = programs
        }
    }

    /// A registry that another one is a region of.
    public struct Parent: Sendable {
        /// Its servers, each `HOST:PORT` or `unix:PATH`.
        public var endpoints: [String]
        /// The directory in which `edgectl register --state` made the region a device of it.
        public var state: String

        public init(endpoints: [String], state: String) {
            self.endpoints = endpoints
            self.state = state
        }

        var arguments: [String] { endpoints.flatMap { ["--parent", $0] } + ["--parent-state", state] }
    }

    /// Where everything can be reached.
    public struct Endpoints: Sendable, Hashable, Encodable {
        /// Where registryd listens.
        public var registry: String
        /// What connects to the database as its owner.
        public var database: String
        /// The folder of PostgreSQL's socket.
        public var socketDirectory: String
        /// The data directory.
        public var directory: String
        /// A file for the shell to source.
        public var environmentFile: String

        /// The variables that lead clients here, for a shell to source.
        public var shellText: String {
            let variables = [
                ("ECLM_DATABASE", database), ("ECLM_ENDPOINT", registry), ("PGHOST", socketDirectory),
                ("PGPORT", String(EmbeddedPostgreSQL.port)), ("PGUSER", EmbeddedPostgreSQL.superuser),
                ("PGDATABASE", DevelopmentDatabase.name),
            ]
            return variables.map { "export \($0)='\($1.replacing("'", with: "'\\''"))'\n" }.joined()
        }
    }

    /// What happens while it runs.
    public enum Event: Sendable {
        /// A program's line, to be shown with its name.
        case line(program: String, text: String)
        /// Everything is up.
        case ready(Endpoints)
        /// The end has begun.
        case stopping
    }

    private let configuration: Configuration
    private let report: @Sendable (Event) -> Void

    /// A registry that is not yet running.
    ///
    /// - Parameter report: Called from several threads.
    public init(_ configuration: Configuration, report: @escaping @Sendable (Event) -> Void) {
        self.configuration = configuration
        self.report = report
    }

    /// Starts everything and runs it until told to stop.
    ///
    /// - Parameter stop: Tells when to stop.
    /// - Throws: ``DevelopmentError``, also when a program ends by itself; everything is stopped then.
    public func run(until stop: StopSignal) async throws {
        let directory = try prepareDirectory()
        let lock = try DirectoryLock(directory: directory)
        defer { withExtendedLifetime(lock) {} }
        if !configuration.isNamed { try claim(directory) }
        let binaries = try await ServerBinaries.find()
        let registryd = try program("registryd")
        let trainerd = try program("trainerd")
        try? FileManager.default.removeItem(atPath: endpointFile(directory))

        let server: EmbeddedPostgreSQL
        do {
            server = try await EmbeddedPostgreSQL.start(
                directory: directory, binaries: binaries, isStopping: { stop.isRequested },
                line: { [report] in report(.line(program: "postgres", text: $0)) })
        } catch is CancellationError {
            return
        }
        var daemons: [ChildProcess] = []
        do {
            let database = DevelopmentDatabase(server: server, isRegion: configuration.parent != nil)
            try await database.prepare(configuration.migrator) { [report] in
                report(.line(program: "migrate", text: $0))
            }
            daemons.append(
                try start(
                    "registryd", registryd, server,
                    ["--listen", configuration.listen, "--endpoint-file", endpointFile(directory)],
                    config: configuration.registrydConfig))
            daemons.append(
                try start(
                    "trainerd", trainerd, server, configuration.parent?.arguments ?? [],
                    config: configuration.trainerdConfig))
            if let endpoint = try await endpoint(directory, daemons, server, stop) {
                let endpoints = Endpoints(
                    registry: endpoint, database: server.connectionString(database: DevelopmentDatabase.name),
                    socketDirectory: server.socketDirectory, directory: directory,
                    environmentFile: directory + "/dev.env")
                try Data(("# Written by `registryctl dev` at every start: source it.\n" + endpoints.shellText).utf8)
                    .write(to: URL(fileURLWithPath: endpoints.environmentFile), options: .atomic)
                report(.ready(endpoints))
                try await supervise(daemons, server, stop)
            }
        } catch {
            await shutDown(daemons, server, stop)
            throw error
        }
        await shutDown(daemons, server, stop)
    }

    private func prepareDirectory() throws(DevelopmentError) -> String {
        let path = URL(fileURLWithPath: configuration.directory).standardizedFileURL.path
        do {
            // As root, another user's server works inside: it must be able to pass, and no more.
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: geteuid() == 0 ? 0o711 : 0o700])
        } catch {
            throw DevelopmentError(.unusableDirectory, "the directory \(path) cannot be made", cause: error)
        }
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        var status = stat()
        guard stat(real, &status) == 0, status.st_uid == geteuid(), status.st_mode & S_IWOTH == 0 else {
            throw DevelopmentError(
                .unusableDirectory, "\(real) belongs to another user, or everybody may write it",
                hint: "use a directory of your own with --data")
        }
        return real
    }

    /// Refuses a database that is there already and that nobody vouches for. What is made there from now on is this user's,
    /// also when the start is interrupted.
    private func claim(_ directory: String) throws(DevelopmentError) {
        let record = DirectoryRecord(directory: directory)
        if record.isKnown { return }
        guard !FileManager.default.fileExists(atPath: directory + "/postgresql") else {
            throw DevelopmentError(
                .unusableDirectory,
                "\(directory) has a database that this user did not make, and a database can run programs",
                hint: "if you trust it, name it with --data; or remove it")
        }
        if !record.write() {
            report(.line(program: "postgres", text: "\(directory) cannot be remembered; name it at the next start"))
        }
    }

    private func program(_ name: String) throws(DevelopmentError) -> String {
        let path = "\(configuration.programs)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw DevelopmentError(
                .missingProgram, "there is no program \(path)", hint: "install \(name) beside registryctl")
        }
        return path
    }

    private func endpointFile(_ directory: String) -> String { directory + "/registryd.endpoint" }

    private func start(
        _ name: String, _ path: String, _ server: EmbeddedPostgreSQL, _ arguments: [String], config: String?
    ) throws(DevelopmentError) -> ChildProcess {
        let environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("PG") && !$0.key.hasPrefix("ECLM_")
        }
        let migrations = configuration.migrator.directory.map { ["--migrations", $0] } ?? []
        let database = server.connectionString(user: name, database: DevelopmentDatabase.name)
        let child = try ChildProcess(
            name: name,
            command: [path, "--database", database] + migrations + arguments
                + (config.map { ["--config", $0] } ?? []),
            environment: environment, line: { [report] in report(.line(program: name, text: $0)) })
        server.watchdog.watch(child.processID, first: "TERM", last: "KILL")
        return child
    }

    /// Waits until registryd has told where it listens; `nil` when told to stop before.
    private func endpoint(
        _ directory: String, _ daemons: [ChildProcess], _ server: EmbeddedPostgreSQL, _ stop: StopSignal
    ) async throws -> String? {
        let deadline = ContinuousClock.now + .seconds(60)
        while !stop.isRequested {
            try check(daemons, server)
            if let text = try? String(contentsOfFile: endpointFile(directory), encoding: .utf8), text.hasSuffix("\n") {
                return text.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            guard ContinuousClock.now < deadline else {
                throw DevelopmentError(.startFailed, "registryd does not listen after 60 s")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    private func supervise(_ daemons: [ChildProcess], _ server: EmbeddedPostgreSQL, _ stop: StopSignal) async throws {
        while !stop.isRequested {
            try check(daemons, server)
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func check(_ daemons: [ChildProcess], _ server: EmbeddedPostgreSQL) throws(DevelopmentError) {
        for child in daemons + [server.process] {
            guard let ending = child.ending else { continue }
            let last = child.lastLines.last.map { "; its last line: \($0)" } ?? ""
            throw DevelopmentError(
                .programEnded, "\(child.name) \(ending) by itself, so everything was stopped\(last)")
        }
    }

    /// The daemons drain, then PostgreSQL ends; a second request to stop does not wait for them.
    private func shutDown(_ daemons: [ChildProcess], _ server: EmbeddedPostgreSQL, _ stop: StopSignal) async {
        report(.stopping)
        for daemon in daemons { daemon.send(SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(30)
        while daemons.contains(where: { $0.ending == nil }), ContinuousClock.now < deadline, !stop.isUrgent {
            _ = await daemons.first { $0.ending == nil }?.waitForEnd(timeout: .milliseconds(100))
        }
        for daemon in daemons {
            daemon.send(SIGKILL)
            _ = await daemon.waitForEnd(timeout: .seconds(5))
            server.watchdog.unwatch(daemon.processID)
        }
        await server.stop(immediately: stop.isUrgent)
    }
}

/// Tells a ``DevelopmentRegistry`` to stop, from wherever: a signal's handler, a test.
public final class StopSignal: Sendable {
    private let requests = Atomic<Int>(0)

    /// A signal that was not yet given.
    public init() {}

    /// Asks to stop; asked twice, not to wait for anybody.
    public func request() { requests.add(1, ordering: .relaxed) }

    var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }
    var isUrgent: Bool { requests.load(ordering: .relaxed) > 1 }
}
