import Foundation
import Synchronization
import TestSupport

/// The built `trainerd` as a process.
final class TrainerdProcess: Sendable {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    private static let path: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().appendingPathComponent("trainerd").path
    }()

    static var exists: Bool { FileManager.default.isExecutableFile(atPath: path) }

    private let process: Process
    private let folder: URL

    init(_ arguments: [String], environment: [String: String]) {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("trainerd-\(UUID())")
        process = Process()
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        var all = ["PATH": "/usr/bin:/bin", "ECLM_MIGRATIONS": (try? TestCluster.migrationsDirectory()) ?? ""]
        all.merge(environment) { _, new in new }
        process.environment = all
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var isRunning: Bool { process.isRunning }

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

    func terminate() { process.terminate() }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Starts it where that was not done, and waits for its end.
    func finish() async throws -> Result {
        if !process.isRunning, process.processIdentifier == 0 { try start() }
        let end = ContinuousClock.now + .seconds(60)
        while process.isRunning {
            if ContinuousClock.now > end { kill() }
            try await Task.sleep(for: .milliseconds(20))
        }
        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
        }
        return Result(status: process.terminationStatus, output: try text("output"), errors: try text("errors"))
    }
}
