public import Foundation
import Subprocess
import SystemPackage

/// Where PostgreSQL's server programs are installed.
public struct ServerBinaries: Sendable, Hashable {
    /// The folder with `initdb` and `postgres`.
    public let directory: String
    /// The major version, such as 16.
    public let majorVersion: Int

    /// The oldest server that runs the registry's schema.
    public static let oldestVersion = 15

    /// The path of a program.
    public func path(_ program: String) -> String { "\(directory)/\(program)" }

    /// Finds the programs: in `$PG_BINDIR`, where `pg_config --bindir` says, or the newest of the usual folders.
    ///
    /// - Throws: ``DevelopmentError`` with `missingProgram` where there are none, or only too old ones.
    public static func find(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> ServerBinaries {
        var folders: [String] = []
        if let explicit = environment["PG_BINDIR"], !explicit.isEmpty {
            folders = [explicit]
        } else {
            if let tool = program("pg_config", path: environment["PATH"] ?? ""),
                let configured = try? await CommandLineTool.output(tool, ["--bindir"]), configured.hasPrefix("/")
            {
                folders.append(configured)
            }
            folders += installed(in: "/usr/lib/postgresql") { "/usr/lib/postgresql/\($0)/bin" }
            folders += installed(in: "/usr") { $0.hasPrefix("pgsql-") ? "/usr/\($0)/bin" : nil }
            folders += ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"]
        }
        var tooOld: String?
        for folder in folders {
            guard ["initdb", "postgres"].allSatisfy({ isExecutable("\(folder)/\($0)") }),
                let text = try? await CommandLineTool.output("\(folder)/postgres", ["--version"]),
                let major = majorVersion(text)
            else { continue }
            if major >= oldestVersion { return ServerBinaries(directory: folder, majorVersion: major) }
            tooOld = "\(folder) has PostgreSQL \(major)"
        }
        throw DevelopmentError(
            .missingProgram,
            tooOld.map { "\($0), but the registry needs \(oldestVersion) or newer" }
                ?? "PostgreSQL's server programs were not found in \(folders.joined(separator: ", "))",
            hint: "install PostgreSQL (Debian: apt install postgresql), or name the folder of initdb in PG_BINDIR")
    }

    /// `postgres (PostgreSQL) 16.4 (Debian ...)`, `postgres (PostgreSQL) 18beta1`.
    static func majorVersion(_ text: String) -> Int? {
        guard let range = text.range(of: "(PostgreSQL) ") else { return nil }
        return Int(text[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    private static func installed(in folder: String, _ path: (String) -> String?) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted { $0.compare($1, options: .numeric) == .orderedDescending }.compactMap(path)
    }

    /// A program of `PATH`. Its relative folders are passed over: they are wherever the caller happens to be.
    static func program(_ name: String, path: String) -> String? {
        path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }.first(where: isExecutable)
    }

    private static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
}

/// Runs a small tool to its end.
enum CommandLineTool {
    /// What the tool prints, without the last line break.
    static func output(_ path: String, _ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), output: .string(limit: 64 << 10))
        guard result.terminationStatus.isSuccess else {
            throw DevelopmentError(.missingProgram, "\(path) ended with \(result.terminationStatus)")
        }
        return result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
