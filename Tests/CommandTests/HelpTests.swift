import ArgumentParser
import CommandSupport
import TestSupport
import Testing

@testable import edgectl
@testable import registryctl
@testable import registryd
@testable import trainerd

@Suite("Every command explains itself")
struct HelpTests {
    @Test("with --help, an example that parses, and --output json")
    func examples() {
        #expect(CommandHelp(RegistryControl.self).faults() == [])
        #expect(CommandHelp(Edgectl.self).faults() == [])
        #expect(CommandHelp(Trainerd.self).faults() == [])
        #expect(CommandHelp(Registryd.self).faults(withoutOutput: [[]]) == [])
    }

    @Test("and is a noun and a verb, or one word where it is about the whole registry")
    func grammar() {
        let commands = CommandHelp(RegistryControl.self).commands.filter { !$0.isGroup }
        let single = commands.filter { $0.path.count == 1 }.flatMap(\.path)
        #expect(Set(single) == ["list-modules", "migrate", "doctor", "gc", "restored", "dev"])
        #expect(commands.allSatisfy { $0.path.count <= 2 })
        let nouns = Set(commands.filter { $0.path.count == 2 }.map { $0.path[0] })
        #expect(
            nouns == [
                "model", "version", "release", "channel", "canary", "device", "device-class", "update", "round",
                "policy",
                "region", "audit",
            ])
    }

    @Test("under today's name alone")
    func formerNames() {
        func paths(_ root: any ParsableCommand.Type) -> Set<String> {
            Set(CommandHelp(root).commands.map { $0.path.joined(separator: " ") })
        }
        #expect(paths(RegistryControl.self).isDisjoint(with: FormerNames.registryctl.current.keys))
        #expect(paths(Edgectl.self).isDisjoint(with: FormerNames.edgectl.current.keys))
    }
}
