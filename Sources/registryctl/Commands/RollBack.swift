import ArgumentParser
import CommandSupport
import Foundation
import Registry
import RegistryPrograms

struct RollBack: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Takes a channel back to older module versions by a new release; nothing is deleted.",
        discussion: """
            With --to-release the channel gets the versions of that release, with --module only the modules named get \
            another version: the one given, or the newest in service before the current. What is left behind is \
            withdrawn: updates trained on it are refused.

            Examples:
              registryctl rollback minilm --to-release 3 --reason "round 4 lowered accuracy"
              registryctl rollback minilm --module l0.m03 --module l1.m00@2 --reason "diverged"
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Option(name: .long, help: ArgumentHelp("The channel to take back.", valueName: "name"))
    var channel = "stable"
    @Option(name: .long, help: ArgumentHelp("Go back to the versions of this release.", valueName: "number"))
    var toRelease: Int?
    @Option(name: .long, help: ArgumentHelp("Take back this module; may be repeated.", valueName: "name[@version]"))
    var module: [ModuleReference] = []
    @OptionGroup var why: ReasonOptions
    @Flag(name: .long, help: "Take withdrawn releases and versions of the target back into service.")
    var reinstate = false
    @Flag(name: .long, help: "Do not ask on a terminal.")
    var yes = false
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (toRelease != nil) != !module.isEmpty else {
            throw ValidationError("name what to go back to: --to-release NUMBER, or --module NAME[@VERSION]")
        }
        var names: Set<String> = []
        for reference in module where !names.insert(reference.module).inserted {
            throw ValidationError("--module names \(reference.module) twice")
        }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let current = try await session.registry.release(of: model, .channel(channel))
        try confirm(current: current.number)
        let target: RollbackTarget =
            if let toRelease {
                .release(toRelease)
            } else {
                .modules(Dictionary(module.map { ($0.module, $0.version) }, uniquingKeysWith: { first, _ in first }))
            }
        let result = RollbackDocument(
            try await session.registry.rollback(
                model, channel: channel, to: target, reinstate: reinstate, as: database.provenance(reason: why.reason)))
        try output.result(result) { width in
            var table = Table(["module", .number("from version"), .number("to version")])
            for change in result.changes { table.add([change.module, "\(change.fromVersion)", "\(change.toVersion)"]) }
            return
                "Channel \(channel) of \(model) points to release \(result.release.release), made by this rollback.\n\n"
                + table.rendered(width: width)
        }
    }

    private func confirm(current: Int) throws {
        guard !yes, isatty(0) == 1, isatty(2) == 1 else { return }
        let target =
            toRelease.map { "the versions of release \($0)" }
            ?? "older versions of " + module.map(\.module).joined(separator: ", ")
        let question = "Take channel \(channel) of \(model) from release \(current) to \(target)? [y/N] "
        FileHandle.standardError.write(Data(question.utf8))
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw CommandFailure(.refused, "not confirmed; nothing was changed")
        }
    }
}
