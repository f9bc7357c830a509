import ArgumentParser
import CommandSupport
import ECLMCore

/// The command line of the learning side: the offline stage, the experiments, and their data.
@main
struct Eclm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eclm", abstract: "The offline stage and the experiments.",
        discussion: """
            Example:
              eclm prototype --task har --output-directory out/har
              eclm experiment har --preset quick --jobs 2

            \(ExitStatus.help)
            """,
        version: ECLM.version,
        subcommands: [PrototypeCommand.self, FleetCommand.self, ExperimentCommand.self, DataCommand.self])

    static func main() async {
        await runProgram(Self.self, Array(CommandLine.arguments.dropFirst()))
    }
}
