import ArgumentParser
import CommandSupport
import TestSupport
import Testing

@testable import edgectl
@testable import registryctl

@Suite("Former names of commands go on working")
struct FormerNamesTests {
    @Test(
        "each is today's command",
        arguments: [
            ("list-models --contains mini", "model list --contains mini"),
            ("show minilm/l0.m03@2", "model show minilm/l0.m03@2"),
            ("import --checkpoint c --spec s --verify", "model import --checkpoint c --spec s --verify"),
            ("compose minilm --memory 1MiB", "model compose minilm --memory 1MiB"),
            ("versions minilm l0.m03", "version list minilm l0.m03"),
            ("lineage minilm l0.m03 --format dot", "version lineage minilm l0.m03 --format dot"),
            ("releases minilm", "release list minilm"),
            ("publish --manifest m", "release publish --manifest m"),
            ("privacy minilm", "release privacy minilm"),
            ("rollback minilm --to-release 3 --reason r", "channel rollback minilm --to-release 3 --reason r"),
            ("devices list --class pi4", "device list --class pi4"),
            ("devices show pi-1", "device show pi-1"),
            ("devices classes", "device-class list"),
            (
                "devices define-class pi4 --memory 1G --flops 1G --runtime 1",
                "device-class define pi4 --memory 1G --flops 1G --runtime 1"
            ),
            ("updates list --status pending", "update list --status pending"),
            ("updates show 17", "update show 17"),
            ("updates requeue 17 --reason r", "update requeue 17 --reason r"),
            ("rounds minilm", "round list minilm"),
            ("rounds --limit 5 minilm", "round list --limit 5 minilm"),
            ("rounds list minilm", "round list minilm"),
            ("rounds run minilm --wait 2m", "round run minilm --wait 2m"),
            ("rounds replay minilm --all", "round replay minilm --all"),
            ("regions", "region list"),
            ("regions --model minilm", "region list --model minilm"),
            ("regions list", "region list"),
            ("regions hand-overs", "region hand-overs"),
            ("list-modules list-models", "list-modules list-models"),
            ("channel list rollback", "channel list rollback"),
        ])
    func registryctl(former: String, current: String) throws {
        let words = current.split(separator: " ").map(String.init)
        #expect(FormerNames.registryctl.replaced(in: former.split(separator: " ").map(String.init)) == words)
        let command = try RegistryControl.parseAsRoot(words)
        #expect(CommandHelp(RegistryControl.self).commands.contains { $0.type == type(of: command) && !$0.isGroup })
    }

    @Test("and so is edgectl's")
    func edgectl() throws {
        let words = FormerNames.edgectl.replaced(in: ["update-status", "17"])
        #expect(words == ["update", "show", "17"])
        #expect(try Edgectl.parseAsRoot(words) is Update.Show)
    }

    @Test("the program answers to both alike, in its help as well")
    func alike() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let update = try await model.submit([.init("l0.m00")], from: "pi-1")
            for (former, current, status) in [
                ("list-models --output json", "model list --output json", 0), ("show mlp", "model show mlp", 0),
                ("versions mlp l0.m01", "version list mlp l0.m01", 0),
                ("lineage mlp l0.m01", "version lineage mlp l0.m01", 0), ("releases mlp", "release list mlp", 0),
                ("privacy mlp", "release privacy mlp", 0), ("compose mlp", "model compose mlp", 0),
                ("devices show pi-1", "device show pi-1", 0), ("devices classes", "device-class list", 0),
                ("updates show \(update)", "update show \(update)", 0), ("rounds mlp", "round list mlp", 0),
                ("rounds", "round list", 64), ("regions", "region list", 0),
                ("help rollback", "help channel rollback", 0), ("rollback --help", "channel rollback --help", 0),
                ("rounds --help", "round --help", 0), ("show absent", "model show absent", 3),
            ] as [(String, String, Int32)] {
                let old = try await database.registryctl(former.split(separator: " ").map(String.init), actor: nil)
                let new = try await database.registryctl(current.split(separator: " ").map(String.init), actor: nil)
                #expect(old.status == status && new.status == status, "\(former): \(old.errors)")
                #expect(old.output == new.output && old.errors == new.errors, "\(former)")
            }
        }
    }

    @Test("they are in no help and in no completion")
    func hidden() async throws {
        for former in ["list-models", "define-class"] {
            let completions = ["bash", "zsh", "fish"].map { ["--generate-completion-script", $0] }
            for arguments in [["--help"], ["--help-hidden"]] + completions {
                let shown = try await Program("registryctl", arguments).finish()
                #expect(shown.status == 0)
                let words = shown.output.split { !($0.isLetter || $0 == "-") }
                #expect(!words.contains(Substring(former)), "\(arguments) shows \(former)")
            }
        }
    }
}
