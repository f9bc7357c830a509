public import Foundation

/// A built program as a child process: it lies beside the test bundle.
public final class Program: Sendable {
    /// What a program printed and how it ended.
    public struct Result: Sendable {
        /// The exit status, or the signal that ended it.
        public var status: Int32
        /// What it wrote to standard output.
        public var output: String
        /// What it wrote to standard error.
        public var errors: String

        /// The printed document, with keys as they are printed.
        public func json<T: Decodable>(_ type: T.Type = T.self) throws -> T {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(T.self, from: Data(output.utf8))
        }

        /// The rows of a printed table without its titles, split at runs of two spaces or more.
        public var rows: [[String]] {
            output.split(separator: "\n").dropFirst().map { line in
                String(line).replacing(#/ {2,}/#, with: "\t").split(separator: "\t").map(String.init)
            }
        }
    }

    private let process = Process()
    /// A folder of the process's own, removed with it.
    public let folder: URL

    /// Where the built program of that name lies.
    public static func path(_ name: String) -> String {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// A program that has not started; its environment is `environment` and little else.
    ///
    /// - Parameters:
    ///   - executable: The file to run, where it is not the built program of that name.
    ///   - directory: Where it works; `nil` for where the tests do.
    public init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], executable: String? = nil,
        directory: String? = nil
    ) {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(name)-\(UUID())")
        process.executableURL = URL(fileURLWithPath: executable ?? Self.path(name))
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { _, new in new }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    }

    deinit {
        if process.isRunning { send(SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// The process's number.
    public var processID: pid_t { process.processIdentifier }

    /// Whether it has started and not ended.
    public var isRunning: Bool { process.isRunning }

    /// Writes a file into the folder, for an argument to name.
    ///
    /// - Returns: The file's path.
    public func write(_ name: String, _ text: String) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// Adds arguments before the start.
    public func addArguments(_ more: [String]) { process.arguments = (process.arguments ?? []) + more }

    public func start() throws {
        // Into files: a pipe that nobody reads would stop a talkative process.
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var files: [FileHandle] = []
        for name in ["output", "errors"] {
            let file = folder.appendingPathComponent(name)
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
            files.append(try FileHandle(forWritingTo: file))
        }
        // The process has its own; kept open here, those of all tests would be inherited by every later process.
        defer { for file in files { try? file.close() } }
        process.standardOutput = files[0]
        process.standardError = files[1]
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    /// Sends a signal.
    public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// What it wrote so far, to `output` or `errors`.
    public func text(_ name: String) -> String {
        (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)) ?? ""
    }

    /// Starts it where that was not done, and waits for its end; kills it when that takes too long.
    public func finish(timeout: Duration = .seconds(120)) async throws -> Result {
        if !process.isRunning, process.processIdentifier == 0 { try start() }
        let end = ContinuousClock.now + timeout
        while process.isRunning {
            if ContinuousClock.now > end { send(SIGKILL) }
            try await Task.sleep(for: .milliseconds(20))
        }
        return Result(status: process.terminationStatus, output: text("output"), errors: text("errors"))
    }
}
