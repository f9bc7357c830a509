import Foundation
import Registry
import TestSupport
import Testing

@testable import edgectl
@testable import registryctl

/// The statuses that docs/operations.md lists, for the failures that everybody meets.
@Suite("A command's exit status tells what went wrong")
struct ExitStatusTests {
    private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

    @Test("registryctl: 3 where something named does not exist")
    func notFound() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            for line in [
                "model show absent", "model show mlp/absent", "model show mlp/l0.m00@9",
                "model compose absent", "model compose mlp --device-class absent", "model compose mlp --release 9",
                "model import --checkpoint /absent --spec /absent", "list-modules absent",
                "list-modules mlp --release 9",
                "version list absent l0.m00", "version list mlp absent", "version lineage absent l0.m00",
                "version lineage mlp l0.m00@9", "release list absent", "release privacy absent",
                "release publish --manifest /absent", "channel list absent", "channel history mlp absent",
                "channel move absent stable --to-release 1", "channel move mlp stable --to-release 9",
                "channel rollback absent --to-release 1 --reason r",
                "channel rollback mlp --channel absent --to-release 1 --reason r",
                "channel rollback mlp --to-release 9 --reason r", "channel rollback mlp --module absent --reason r",
                "channel rollback mlp --without-device absent --reason r",
                "canary start absent --release 1 --metric a --margin 0.1 --reason r",
                "canary start mlp --release 9 --metric a --margin 0.1 --reason r", "canary status mlp",
                "canary status mlp --canary 9", "canary abort absent --reason r",
                "device show absent", "update show 9", "update requeue 9 --reason r", "round list absent",
                "round run absent", "round replay absent 1", "round replay mlp 9", "policy show absent",
                "policy show mlp", "policy set absent --minimum-updates 2 --reason r", "policy history absent",
            ] {
                let result = try await database.registryctl(words(line))
                #expect(result.status == 3, "\(line): \(result.status) \(result.output)\(result.errors)")
                #expect(result.output.isEmpty, "\(line)")
            }
        }
    }

    @Test("registryctl: 4 where it is refused, 6 where nothing fits, 7 where the audit is another")
    func refused() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let update = try await model.submit([.init("l0.m00")], from: "pi-1")
            try await withFolder { folder in
                let garbage = folder.appendingPathComponent("garbage.json").path
                try Data("no document".utf8).write(to: URL(fileURLWithPath: garbage))
                for (line, status) in [
                    ("release publish --manifest \(garbage)", 4), ("model compose mlp --importances \(garbage)", 4),
                    ("model import --checkpoint \(garbage) --spec \(garbage)", 4),
                    ("channel rollback mlp --to-release 1 --reason r", 4),
                    ("policy set mlp --rule absent --reason r", 4),
                    ("policy set mlp --rule trimmed_mean --parameter fraction=0.9 --reason r", 4),
                    ("update requeue \(update) --reason r", 4),
                    ("canary start mlp --release 1 --metric a --margin 0.1 --reason r", 4),
                    ("canary promote mlp --reason r", 4), ("canary abort mlp --reason r", 4),
                    ("model compose mlp --memory 1B", 6),
                    ("audit verify --head 1:\(String(repeating: "0", count: 64))", 7),
                ] as [(String, Int32)] {
                    for format in ["table", "json"] {
                        let result = try await database.registryctl(words(line) + ["--output", format])
                        #expect(result.status == status, "\(line): \(result.status) \(result.output)\(result.errors)")
                        #expect(result.errors.hasPrefix(format == "json" ? "{" : "error: "), "\(line)")
                    }
                }
            }
        }
    }

    @Test("registryctl: 5 where no database answers, whatever the command")
    func unreachable() async throws {
        // These ask no database, or read their files first; doctor tells it as one of its findings.
        let local: Set<[String]> = [
            ["model", "import"], ["release", "publish"], ["policy", "methods"], ["dev"], ["doctor"],
        ]
        for command in CommandHelp(RegistryControl.self).commands
        where !command.isGroup && !local.contains(command.path) {
            let example = try #require(command.examples.first { $0.starts(with: ["registryctl"] + command.path) })
            let arguments = example.dropFirst().filter { !$0.contains("postgresql://") && $0 != "--database" }
            let result = try await Program(
                "registryctl", arguments, environment: ["ECLM_DATABASE": "host=/nonexistent dbname=eclm"]
            ).finish()
            #expect(result.status == 5, "\(arguments): \(result.status) \(result.output)\(result.errors)")
        }
    }

    @Test("Wrong usage is a document where the command line asks for JSON, wherever it says so")
    func usageDocuments() async throws {
        struct Document: Decodable {
            struct Failure: Decodable {
                var code: String
                var message: String
                var hint: String?
                var exitStatus: Int
                enum CodingKeys: String, CodingKey { case code, message, hint, exitStatus = "exit_status" }
            }
            var error: Failure
        }
        for (program, line) in [
            ("registryctl", "model list --output json --limit 0"),
            ("registryctl", "model list --limit x --output=json"),
            ("registryctl", "model show --output json"), ("registryctl", "--output json absent"),
            ("registryctl", "channel rollback mlp --without-device a --since 2026-02-30 --reason r --output json"),
            ("edgectl", "pull --output json"), ("edgectl", "register --absent --output json"),
        ] {
            let result = try await Program(program, words(line)).finish()
            #expect(result.status == 64, "\(line)")
            #expect(result.output.isEmpty, "\(line)")
            let document = try JSONDecoder().decode(Document.self, from: Data(result.errors.utf8))
            #expect(document.error.code == "usage")
            #expect(document.error.exitStatus == 64)
            #expect(!document.error.message.isEmpty, "\(line)")
        }
        for line in [
            "model list --limit 0", "model list --limit 0 --output table", "model list --limit 0 --output json2",
        ] {
            let result = try await Program("registryctl", words(line)).finish()
            #expect(result.status == 64)
            #expect(result.errors.hasPrefix("Error: "), "\(result.errors)")
        }
        let help = try await Program("registryctl", words("model list --help --output json")).finish()
        #expect(help.status == 0 && help.output.contains("USAGE"))
    }

    @Test("registryctl and edgectl: 64 where the command line is wrong, whatever the command")
    func usage() async throws {
        for command in CommandHelp(RegistryControl.self).commands {
            let result = try await Program("registryctl", command.path + ["--absent"]).finish()
            #expect(result.status == 64, "\(command.path): \(result.status) \(result.errors)")
        }
        // adapt hands its arguments over.
        for command in CommandHelp(Edgectl.self).commands where command.path != ["adapt"] {
            let result = try await Program("edgectl", command.path + ["--absent"]).finish()
            #expect(result.status == 64, "\(command.path): \(result.status) \(result.errors)")
        }
    }

    @Test("edgectl: 5 where no registry answers, 3 and 4 for what it finds on the device")
    func device() async throws {
        try await withFolder { folder in
            try Data("no document".utf8).write(to: folder.appendingPathComponent("garbage.json"))
            for (line, status) in [
                ("register --id d --class c", 5), ("pull --model m", 5), ("update show 1", 5),
                ("report --model m --metric a=1 --release 1", 5),
                ("pull --model m --importances garbage.json", 4), ("pull --model m --importances absent.json", 3),
                ("report --model m --metric a=high --release 1", 64), ("submit --sub-model absent --samples 1", 4),
                ("simulate-training --sub-model absent --out out --seed 1 --scale 0.1", 4),
                ("status", 0), ("cache list", 0), ("cache verify", 0), ("cache prune", 0),
            ] as [(String, Int32)] {
                let places = ["garbage.json", "absent.json", "absent", "out"]
                let arguments = words(line).map { places.contains($0) ? "\(folder.path)/\($0)" : $0 }
                let isOnline = ["register", "pull", "update", "report", "submit"].contains(arguments[0])
                let result = try await Program(
                    "edgectl", arguments + (isOnline ? ["--timeout", "0.2"] : []),
                    environment: ["ECLM_STATE": "\(folder.path)/state", "ECLM_ENDPOINT": "127.0.0.1:1"]
                ).finish()
                #expect(result.status == status, "\(line): \(result.status) \(result.output)\(result.errors)")
            }
        }
    }

    @Test("edgectl: 3, 4 and 6 as the registry answers")
    func registryAnswers() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            try await withFolder { folder in
                let file = folder.appendingPathComponent("endpoint").path
                let server = Program(
                    "registryd",
                    ["--database", database.connectionString, "--listen", "127.0.0.1:0", "--endpoint-file", file])
                try server.start()
                defer { server.send(SIGTERM) }
                let end = ContinuousClock.now + .seconds(30)
                while !FileManager.default.fileExists(atPath: file), ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(20))
                }
                let endpoint = try String(contentsOfFile: file, encoding: .utf8)
                for (line, status) in [
                    ("register --id d --class absent", 3), ("pull --model mlp", 4),
                    ("register --id d --class phone", 0),
                    ("pull --model absent", 3), ("pull --model mlp --channel absent", 3),
                    ("pull --model mlp --release 9", 3),
                    ("pull --model mlp --memory 1B", 6), ("update show 9", 3), ("pull --model mlp", 0),
                ] as [(String, Int32)] {
                    let result = try await Program(
                        "edgectl", words(line),
                        environment: [
                            "ECLM_STATE": "\(folder.path)/state",
                            "ECLM_ENDPOINT": endpoint.trimmingCharacters(in: .whitespacesAndNewlines),
                        ]
                    ).finish()
                    #expect(result.status == status, "\(line): \(result.status) \(result.output)\(result.errors)")
                }
            }
        }
    }
}
