import Foundation
import RPC
import TestSupport

/// The built `registryd` as a process.
final class RegistrydProcess: Sendable {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    private static let path: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().appendingPathComponent("registryd").path
    }()

    static var exists: Bool { FileManager.default.isExecutableFile(atPath: path) }

    private let process: Process
    /// A folder of the process's own, removed with it.
    let folder: URL

    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("registryd-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process = Process()
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        var all = ["PATH": "/usr/bin:/bin", "ECLM_MIGRATIONS": try TestCluster.migrationsDirectory()]
        all.merge(environment) { _, new in new }
        process.environment = all
    }

    deinit {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Writes a file into the folder.
    func write(_ name: String, _ text: String) throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    func addArguments(_ more: [String]) { process.arguments = (process.arguments ?? []) + more }

    func start() throws {
        // Into files: a pipe that nobody reads would stop a talkative process.
        for name in ["output", "errors"] {
            _ = FileManager.default.createFile(atPath: folder.appendingPathComponent(name).path, contents: nil)
        }
        process.standardOutput = try FileHandle(forWritingTo: folder.appendingPathComponent("output"))
        process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent("errors"))
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    /// Starts it with an endpoint file and waits until it listens; `nil` when it ended instead.
    func serve() async throws -> RPCEndpoint? {
        let file = folder.appendingPathComponent("endpoint")
        addArguments(["--endpoint-file", file.path])
        try start()
        let end = ContinuousClock.now + .seconds(30)
        while process.isRunning, ContinuousClock.now < end {
            if let text = try? String(contentsOf: file, encoding: .utf8) {
                return RPCEndpoint(text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    func terminate() { process.terminate() }

    var isRunning: Bool { process.isRunning }

    /// Waits for its end.
    func finish() async throws -> Result {
        if !process.isRunning, process.processIdentifier == 0 { try start() }
        let end = ContinuousClock.now + .seconds(40)
        while process.isRunning {
            if ContinuousClock.now > end { Foundation.kill(process.processIdentifier, SIGKILL) }
            try await Task.sleep(for: .milliseconds(20))
        }
        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
        }
        return Result(status: process.terminationStatus, output: try text("output"), errors: try text("errors"))
    }
}
