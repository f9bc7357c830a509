import Foundation
import TestSupport
import Testing

/// One after another: each runs a whole registry with its own PostgreSQL.
@Suite("registryctl dev", .serialized)
struct DevTests {
    /// A development registry in a folder that the server's user may enter, started and up.
    private struct Registry {
        let program: Program
        let data: String
        let readyFile: String
        let environment: [String: String]

        /// - Parameter home: Whose registry it is: then `data` is not named, but found below its folder, where the
        ///   program works.
        static func start(data: String, listen: String = "127.0.0.1:0", home: String? = nil) async throws -> Registry {
            let readyFile = data + ".ready"
            // A registry that was killed could not remove it.
            try? FileManager.default.removeItem(atPath: readyFile)
            // Settings for libpq that lead elsewhere must not matter.
            let program = Program(
                "registryctl",
                ["dev", "--listen", listen, "--ready-file", readyFile] + (home == nil ? ["--data", data] : []),
                environment: [
                    "PGHOST": "/nonexistent", "PGUSER": "mallory", "PGOPTIONS": "-c nonsense=1",
                    "HOME": home ?? "/nonexistent",
                ], directory: home == nil ? nil : data.replacing("/.eclm/dev", with: ""))
            try program.start()
            let end = ContinuousClock.now + .seconds(90)
            while !FileManager.default.fileExists(atPath: readyFile) {
                try #require(program.isRunning, "\(program.text("errors"))")
                try #require(ContinuousClock.now < end, "\(program.text("errors"))")
                try await Task.sleep(for: .milliseconds(50))
            }
            var environment: [String: String] = [:]
            for line in try String(contentsOfFile: readyFile, encoding: .utf8).split(separator: "\n") {
                let pair = line.replacing("export ", with: "").split(separator: "=", maxSplits: 1).map(String.init)
                environment[pair[0]] = pair[1].trimmingCharacters(in: ["'"])
            }
            return Registry(program: program, data: data, readyFile: readyFile, environment: environment)
        }

        func registryctl(_ arguments: String...) async throws -> Program.Result {
            try await Program("registryctl", arguments, environment: environment).finish()
        }

        /// The processes whose command line or working directory leads to the data directory.
        func processes() -> [String] {
            let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter {
                Int($0) != nil
            }
            return numbers.filter { number in
                let command = (try? String(contentsOfFile: "/proc/\(number)/cmdline", encoding: .utf8)) ?? ""
                let place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(number)/cwd")) ?? ""
                return command.contains(data) || place.hasPrefix(data)
            }
        }

        func waitUntilGone() async throws -> Bool {
            let end = ContinuousClock.now + .seconds(30)
            while !processes().isEmpty, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(100)) }
            return processes().isEmpty
        }
    }

    private func withData(_ body: (String) async throws -> Void) async throws {
        let folder = "/tmp/eclm-dev-\(UUID().uuidString.prefix(8))"
        defer {
            try? FileManager.default.removeItem(atPath: folder)
            try? FileManager.default.removeItem(atPath: folder + ".ready")
        }
        try await body(folder)
    }

    @Test("starts, serves, stops in order, and starts again with the data kept", .timeLimit(.minutes(5)))
    func restart() async throws {
        try await withData { data in
            let first = try await Registry.start(data: data)
            #expect(first.program.text("output").contains("psql"))
            #expect(first.environment["ECLM_ENDPOINT"]?.hasPrefix("127.0.0.1:") == true)
            try await withFolder { folder in
                let files = try SmallCheckpoint.write(to: folder)
                let imported = try await first.registryctl(
                    "import", "--checkpoint", files.checkpoint, "--spec", files.specification)
                #expect(imported.status == 0, "\(imported.errors)")
            }
            let doctor = try await first.registryctl("doctor")
            #expect(doctor.status == 0, "\(doctor.output)")

            let second = try await Program("registryctl", ["dev", "--data", data]).finish()
            #expect(second.status == 4)
            #expect(second.errors.contains("another"))

            first.program.send(SIGINT)
            let ended = try await first.program.finish(timeout: .seconds(60))
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(first.processes().isEmpty)
            #expect(!FileManager.default.fileExists(atPath: first.readyFile))
            #expect(ended.errors.contains("database system is shut down"))

            let again = try await Registry.start(data: data)
            #expect(try await again.registryctl("list-models").rows.map { $0[0] } == ["small"])
            again.program.send(SIGTERM)
            let finished = try await again.program.finish(timeout: .seconds(60))
            #expect(finished.status == 0, "\(finished.errors)")
        }
    }

    @Test("starts again what it made below the working directory, but not what others did", .timeLimit(.minutes(5)))
    func unnamed() async throws {
        try await withData { folder in
            let data = folder + "/.eclm/dev"
            try FileManager.default.createDirectory(atPath: folder + "/.eclm", withIntermediateDirectories: true)
            for _ in 1...2 {
                let registry = try await Registry.start(data: data, home: folder + "/ada")
                registry.program.send(SIGTERM)
                let ended = try await registry.program.finish(timeout: .seconds(60))
                #expect(ended.status == 0, "\(ended.errors)")
            }
            let other = Program("registryctl", ["dev"], environment: ["HOME": folder + "/bob"], directory: folder)
            let refused = try await other.finish()
            #expect(refused.status == 1)
            #expect(refused.errors.contains("this user did not make"), "\(refused.errors)")
            #expect(!refused.errors.contains("database system"))
        }
    }

    @Test("leaves no process behind when it is killed, and recovers", .timeLimit(.minutes(5)))
    func killed() async throws {
        try await withData { data in
            let first = try await Registry.start(data: data)
            #expect(first.processes().count > 3)
            first.program.send(SIGKILL)
            _ = try await first.program.finish()
            #expect(try await first.waitUntilGone(), "left: \(first.processes())")

            let again = try await Registry.start(data: data)
            again.program.send(SIGTERM)
            let ended = try await again.program.finish(timeout: .seconds(60))
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    @Test("ends with a message when one of its programs ends by itself", .timeLimit(.minutes(5)))
    func crashed() async throws {
        try await withData { data in
            let registry = try await Registry.start(data: data)
            let trainer = try #require(
                registry.processes().first {
                    (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8))?.hasPrefix("trainerd") == true
                })
            kill(try #require(pid_t(trainer)), SIGKILL)
            let ended = try await registry.program.finish(timeout: .seconds(60))
            #expect(ended.status == 1)
            #expect(ended.errors.contains("trainerd was killed by signal 9"))
            #expect(registry.processes().isEmpty)
        }
    }

    @Test("ignores the mark of a server that is long gone, whoever has its number now", .timeLimit(.minutes(5)))
    func staleMark() async throws {
        try await withData { data in
            let first = try await Registry.start(data: data)
            first.program.send(SIGTERM)
            #expect(try await first.program.finish(timeout: .seconds(60)).status == 0)
            // This process lives, and is no server.
            try Data("\(getpid())\n\(data)/postgresql\n1700000000\n5432\n".utf8)
                .write(to: URL(fileURLWithPath: data + "/postgresql/postmaster.pid"))
            let again = try await Registry.start(data: data)
            again.program.send(SIGTERM)
            let ended = try await again.program.finish(timeout: .seconds(60))
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }

    @Test("refuses a port that is taken and a folder that is no data directory", .timeLimit(.minutes(5)))
    func refusals() async throws {
        try await withData { data in
            let first = try await Registry.start(data: data)
            try await withData { other in
                let taken = try await Program(
                    "registryctl", ["dev", "--data", other, "--listen", first.environment["ECLM_ENDPOINT"] ?? ""]
                ).finish()
                #expect(taken.status == 1)
                #expect(taken.errors.contains("registryd"))
            }
            first.program.send(SIGTERM)
            _ = try await first.program.finish(timeout: .seconds(60))
        }
        try await withData { data in
            try FileManager.default.createDirectory(atPath: data + "/postgresql", withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: data)
            let result = try await Program("registryctl", ["dev", "--data", data]).finish()
            #expect(result.status == 1)
            #expect(result.errors.contains("is not a data directory"))
        }
    }
}
