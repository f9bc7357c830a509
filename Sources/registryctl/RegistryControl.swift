import ECLMCore
import ArgumentParser
import CommandSupport

/// The operator's tool: works on the registry's database directly, so that it works while no server runs.
@main
struct RegistryControl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registryctl",
        abstract: "Lists, publishes, composes, rolls back and audits the models of a registry.",
        discussion: """
            The database is the one that --database names, else $ECLM_DATABASE, else what libpq finds: PG* variables, \
            service files, password files. Changes are recorded with the name of --actor.

            \(ExitStatus.help)

            Start a private registry to try things out:
              registryctl dev
            Completions for your shell:
              registryctl --generate-completion-script bash > ~/.local/share/bash-completion/completions/registryctl
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Reading",
                subcommands: [
                    ListModels.self, ListModules.self, Show.self, Versions.self, Lineage.self, Releases.self,
                    Compose.self,
                ]),
            CommandGroup(
                name: "Publishing and rolling back",
                subcommands: [Publish.self, Import.self, Channel.self, Canary.self, RollBack.self]),
            CommandGroup(
                name: "Fleet and training",
                subcommands: [Devices.self, Updates.self, Rounds.self, Policy.self, Privacy.self, Regions.self]),
            CommandGroup(
                name: "Running a registry",
                subcommands: [Migrate.self, Audit.self, Doctor.self, CollectGarbage.self, Dev.self]),
        ])
}
