import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore

/// The device's command line.
@main
struct Edgectl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edgectl",
        abstract: "Register a device, pull the sub-model that serves its data best, and submit what it learned.",
        discussion: """
            Example:
              export ECLM_ENDPOINT=registry.example:7700
              edgectl register --id cam-17 --class jetson-nano
              edgectl pull --model vision --memory 12MiB
              edgectl submit --sub-model ~/.local/state/eclm/sub-models/vision --weights trained/ --samples 120

            \(ExitStatus.help)
            """,
        version: ECLM.version,
        subcommands: [
            Register.self, Pull.self, Submit.self, ReportMetrics.self, Status.self, Update.self, Watch.self,
            Cache.self, AdaptHandOver.self, SimulateTraining.self,
        ])

    static func main() async {
        ignoreFileSizeSignal()
        await runProgram(Self.self, FormerNames.edgectl.replaced(in: Array(CommandLine.arguments.dropFirst())))
    }
}

extension FormerNames {
    /// What edgectl's commands were called before.
    static let edgectl = FormerNames(["update-status": "update show"])
}
