import Foundation
import TestSupport
import Testing

@Suite("registryctl ends with a status that tells what happened")
struct StatusTests {
    private struct Failure: Decodable {
        struct Inner: Decodable { var code: String, message: String, exitStatus: Int32 }
        var error: Inner
    }

    @Test(
        "3 for what does not exist",
        arguments: [
            ["show", "absent"], ["show", "mlp/absent"], ["show", "mlp/l0.m00@7"],
            ["list-modules", "mlp", "--release", "9"],
            ["list-modules", "mlp", "--channel", "absent"], ["updates", "show", "1"], ["devices", "show", "absent"],
            ["compose", "mlp", "--device-class", "absent"], ["channel", "history", "mlp", "absent"],
            ["rollback", "mlp", "--to-release", "9", "--reason", "test"], ["lineage", "mlp", "absent"],
            ["publish", "--manifest", "/nonexistent/manifest.json"],
        ])
    func notFound(_ arguments: [String]) async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let result = try await database.registryctl(arguments)
            #expect(result.status == 3, "\(result.output)\(result.errors)")
            #expect(result.output.isEmpty)
            #expect(result.errors.hasPrefix("error: "))
        }
    }

    @Test("4 for what is refused, as JSON where JSON is asked for")
    func refused() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let same = try await database.registryctl(
                "rollback", "mlp", "--to-release", "1", "--reason", "nothing to do", "--output", "json")
            #expect(same.status == 4)
            let document = try JSONDecoder.snakeCase.decode(Failure.self, from: Data(same.errors.utf8))
            #expect(document.error.exitStatus == 4)
            #expect(document.error.code == "failed_precondition")

            let reader = try await Program(
                "registryctl", ["channel", "move", "mlp", "canary", "--to-release", "1"],
                environment: ["ECLM_DATABASE": database.connectionString(as: .reader)]
            ).finish()
            #expect(reader.status == 4)
            #expect(reader.errors.contains("role"))
        }
    }

    @Test("5 where the database cannot be reached")
    func unavailable() async throws {
        let result = try await Program(
            "registryctl", ["list-models", "--database", "host=/nonexistent dbname=eclm"]
        ).finish()
        #expect(result.status == 5)
        #expect(result.errors.contains("hint: "))
    }

    @Test("4 with advice where the schema is missing")
    func withoutSchema() async throws {
        try await withDatabase(migrated: false) { database in
            let result = try await database.registryctl("list-models")
            #expect(result.status == 4)
            #expect(result.errors.contains("registryctl migrate"))
        }
    }

    @Test(
        "64 for a wrong command line, before anything is connected to",
        arguments: [
            ["list-models", "--limit", "0"], ["list-modules"], ["rollback", "mlp", "--reason", "x"],
            ["rollback", "mlp", "--to-release", "1", "--reason", " "],
            ["list-modules", "m", "--release", "1", "--channel", "c"],
            ["compose", "m", "--memory", "lots"], ["gc", "--grace", "soon"], ["nonsense"],
            ["rollback", "m", "--module", "a", "--module", "a@2", "--reason", "x"], ["show", "m/a@0"],
            ["devices", "define-class", "c", "--memory", "1M", "--flops", "1G", "--runtime", "two"],
        ])
    func usage(_ arguments: [String]) async throws {
        let result = try await Program(
            "registryctl", arguments, environment: ["ECLM_DATABASE": "host=/nonexistent"]
        ).finish()
        #expect(result.status == 64, "\(result.output)\(result.errors)")
    }

    @Test("help with an example for every command")
    func help() async throws {
        struct Tool: Decodable {
            struct Command: Decodable {
                var commandName: String
                var discussion: String?
                var subcommands: [Command]?
            }
            var command: Command
        }
        let dump = try await Program("registryctl", ["--experimental-dump-help"]).finish()
        let tool = try JSONDecoder().decode(Tool.self, from: Data(dump.output.utf8))
        func check(_ command: Tool.Command, _ path: [String]) {
            guard command.commandName != "help" else { return }
            let path = path + [command.commandName]
            #expect(command.discussion?.contains("registryctl") == true, "\(path) has no example")
            for subcommand in command.subcommands ?? [] { check(subcommand, path) }
        }
        check(tool.command, [])
        #expect(tool.command.subcommands?.count ?? 0 >= 16)
        let completions = try await Program("registryctl", ["--generate-completion-script", "bash"]).finish()
        #expect(completions.output.contains("rollback"))
    }
}

extension JSONDecoder {
    /// For the documents that commands print.
    static var snakeCase: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}
