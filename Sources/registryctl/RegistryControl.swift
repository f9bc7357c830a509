import ArgumentParser
import CommandSupport
import ECLMCore

/// The operator's tool: works on the registry's database directly, so that it works while no server runs.
@main
struct RegistryControl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registryctl",
        abstract: "Lists, publishes, composes, rolls back and audits the models of a registry.",
        discussion: """
            The database is the one that --database names, else $ECLM_DATABASE, else what libpq finds: PG* variables, \
            service files, password files. Changes are recorded with the name of --actor.

            A command is a noun and a verb, such as `registryctl model list`; what is about the registry as a whole is one \
            word.

            \(ExitStatus.help)

            Start a private registry to try things out:
              registryctl dev
            Completions for your shell:
              registryctl --generate-completion-script bash > ~/.local/share/bash-completion/completions/registryctl
            """,
        version: ECLM.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Models and releases",
                subcommands: [
                    ModelCommands.self, ListModules.self, VersionCommands.self, ReleaseCommands.self,
                    ChannelCommands.self, CanaryCommands.self,
                ]),
            CommandGroup(
                name: "Fleet and training",
                subcommands: [
                    DeviceCommands.self, DeviceClassCommands.self, UpdateCommands.self, RoundCommands.self,
                    PolicyCommands.self, RegionCommands.self,
                ]),
            CommandGroup(
                name: "Running a registry",
                subcommands: [
                    Migrate.self, AuditCommands.self, Doctor.self, CollectGarbage.self, Restored.self, Dev.self,
                ]),
        ])

    static func main() async {
        await runProgram(
            Self.self, FormerNames.registryctl.replaced(in: Array(CommandLine.arguments.dropFirst())))
    }
}
