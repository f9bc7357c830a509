import Foundation

/// Runs the reference Python packages: the interpreter at `ECLM_PYTHON`, or the environment that Scripts/python-env
/// makes.
package enum PythonReference {
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// The package's root folder.
    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Runs a script with arguments and returns what it prints; a failing script is an error with its output.
    @discardableResult
    package static func run(_ script: String, _ arguments: String...) throws -> String {
        let interpreter = ProcessInfo.processInfo.environment["ECLM_PYTHON"] ?? root + "/data/python/bin/python"
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            throw Missing(
                description: "there is no Python at \(interpreter); run Scripts/python-env or set ECLM_PYTHON")
        }
        return try run(script, arguments, interpreter: interpreter)
    }

    /// The same with an interpreter that has PyTorch: the one at `ECLM_TORCH_PYTHON`, or the system's, for which
    /// Scripts/install-dependencies installs it.
    @discardableResult
    package static func runTorch(_ script: String, _ arguments: String...) throws -> String {
        let interpreter = ProcessInfo.processInfo.environment["ECLM_TORCH_PYTHON"] ?? "/usr/bin/python3"
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            throw Missing(
                description: "there is no Python at \(interpreter); run Scripts/install-dependencies or set "
                    + "ECLM_TORCH_PYTHON")
        }
        return try run(script, arguments, interpreter: interpreter)
    }

    private static func run(_ script: String, _ arguments: [String], interpreter: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Missing(description: "\(interpreter) failed: \(text)")
        }
        return text
    }
}

/// A folder that is removed when the test lets go of it.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { path + "/" + name }
}
