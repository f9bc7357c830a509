import ECLMCore
import ArgumentParser
import CommandSupport
import EdgeClient
import EdgePrograms

#if ECLM_LEARNING
    import LearningPrograms
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

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
        version: "0.1.0",
        subcommands: [
            Register.self, Pull.self, Submit.self, ReportMetrics.self, Status.self, UpdateStatus.self, Watch.self,
            Cache.self,
            SimulateTraining.self,
        ] + learning)

    // Training needs libtorch; without it there is no `adapt`, and all else is as ever.
    #if ECLM_LEARNING
        private static let learning: [any ParsableCommand.Type] = [Adapt.self]
    #else
        private static let learning: [any ParsableCommand.Type] = []
    #endif

    static func main() async {
        // A write beyond a file size limit is then an error to report and not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        await main(nil)
    }
}
