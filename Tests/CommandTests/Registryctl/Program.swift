import Foundation
import TestSupport
import Testing

/// A built program as a child process.
final class Program: Sendable {
    /// What a program printed and how it ended.
    struct Result {
        var status: Int32
        var output: String
        var errors: String

        /// The printed document, with keys as they are printed.
        func json<T: Decodable>(_ type: T.Type = T.self) throws -> T {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(T.self, from: Data(output.utf8))
        }

        /// The rows of a printed table without its titles, split at runs of two spaces or more.
        var rows: [[String]] {
            output.split(separator: "\n").dropFirst().map { line in
                String(line).replacing(#/ {2,}/#, with: "\t").split(separator: "\t").map(String.init)
            }
        }
    }

    private let process = Process()
    private let folder: URL

    static func path(_ name: String) -> String {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().appendingPathComponent(name).path
    }

    init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(name)-\(UUID())")
        process.executableURL = URL(fileURLWithPath: Self.path(name))
        process.arguments = arguments
        var all = ["PATH": "/usr/bin:/bin", "ECLM_MIGRATIONS": (try? TestCluster.migrationsDirectory()) ?? ""]
        all.merge(environment) { _, new in new }
        process.environment = all
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var processID: pid_t { process.processIdentifier }

    func start() throws {
        // Into files: a pipe that nobody reads would stop a talkative process.
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["output", "errors"] {
            _ = FileManager.default.createFile(atPath: folder.appendingPathComponent(name).path, contents: nil)
        }
        process.standardOutput = try FileHandle(forWritingTo: folder.appendingPathComponent("output"))
        process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent("errors"))
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    var isRunning: Bool { process.isRunning }

    func text(_ name: String) -> String {
        (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)) ?? ""
    }

    /// Waits for its end; kills it when that takes too long.
    func finish(timeout: Duration = .seconds(120)) async throws -> Result {
        if !process.isRunning, process.processIdentifier == 0 { try start() }
        let end = ContinuousClock.now + timeout
        while process.isRunning {
            if ContinuousClock.now > end { send(SIGKILL) }
            try await Task.sleep(for: .milliseconds(20))
        }
        return Result(status: process.terminationStatus, output: text("output"), errors: text("errors"))
    }
}

extension TestDatabase {
    /// Runs `registryctl` on this database, as alice unless told otherwise.
    func registryctl(_ arguments: String..., actor: String = "alice") async throws -> Program.Result {
        try await registryctl(arguments, actor: actor)
    }

    /// Runs `registryctl` on this database, as alice unless told otherwise.
    func registryctl(_ arguments: [String], actor: String? = "alice") async throws -> Program.Result {
        try await Program(
            "registryctl", arguments + (actor.map { ["--actor", $0] } ?? []),
            environment: ["ECLM_DATABASE": connectionString]
        ).finish()
    }
}

/// A folder that a test may fill, removed afterwards.
func withFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}
