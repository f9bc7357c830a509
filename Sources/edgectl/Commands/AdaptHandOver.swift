import ArgumentParser
import CommandSupport
import ECLMCore

/// Hands over to the program `adapt`, so that edgectl itself needs no libtorch.
struct AdaptHandOver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapt",
        abstract: "Adapt a sub-model to this device's data, and submit what it learned.",
        discussion: """
            Runs the program adapt, which must be installed in the same folder as edgectl. It needs libtorch, and is built \
            where libtorch is found. Its options are those of `adapt --help`.

            Example:
              edgectl adapt --model har-mlp --data day-1.safetensors --memory 256KiB

            \(ExitStatus.help)
            """)

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("What adapt is given, such as --output json.", valueName: "argument"))
    var arguments: [String] = []

    func run() async throws {
        // Before anything is printed or logged, for that is the other program's to do.
        let failure = handOver()
        if failure.isMissing, !Set(arguments).isDisjoint(with: ["--help", "-h"]) { throw CleanExit.helpRequest(self) }
        try await runCommand(GlobalOptions.parse(asksForJSON ? ["--output", "json"] : [])) { _ in throw failure.error }
    }

    private func handOver() -> (isMissing: Bool, error: CommandFailure) {
        guard let program = SiblingProgram("adapt") else {
            return (
                true, CommandFailure(.failure, "/proc/self/exe cannot be read, so the program adapt cannot be found")
            )
        }
        switch program.replaceThisProcess(arguments: arguments) {
        case .isMissing:
            let failure = CommandFailure(
                .failure, "edgectl adapt needs the program adapt, and there is no \(program.path)",
                hint: "build it where libtorch is, with `swift build -c release --product adapt`, and install it there")
            return (true, failure)
        case .cannotRun(let reason):
            return (false, CommandFailure(.failure, "\(program.path) does not run: \(reason)"))
        }
    }

    /// Whether the error must be a document: nobody else has read the arguments.
    private var asksForJSON: Bool {
        arguments.contains("--output=json")
            || zip(arguments, arguments.dropFirst()).contains { $0 == ("--output", "json") }
    }
}
