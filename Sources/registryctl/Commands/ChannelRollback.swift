import ArgumentParser
import CommandSupport
import ECLMCore
import Foundation
import Registry
import RegistryPrograms
import Trainer

struct ChannelRollback: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Takes a channel back to older module versions by a new release; nothing is deleted.",
        discussion: """
            With --to-release the channel gets the versions of that release, with --module only the modules named get \
            another version: the one given, or the newest in service before the current. What is left behind is \
            withdrawn: updates trained on it are refused.

            With --without-device every round that the device's updates went into is computed again without them, and \
            the rounds after it onto what came of that; --since leaves out only what came later. Needs a login with the \
            roles of an operator and a trainer. Ends with 0 where the device went into nothing that the channel has.

            Examples:
              registryctl channel rollback minilm --to-release 3 --reason "round 4 lowered accuracy"
              registryctl channel rollback minilm --module l0.m03 --module l1.m00@2 --reason "diverged"
              registryctl channel rollback minilm --without-device phone-17 --dry-run
              registryctl channel rollback minilm --without-device phone-17 --since 2026-11-01 --reason "its key was stolen"
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Option(name: .long, help: ArgumentHelp("The channel to take back.", valueName: "name"))
    var channel = "stable"
    @Option(name: .long, help: ArgumentHelp("Go back to the versions of this release.", valueName: "number"))
    var toRelease: Int?
    @Option(name: .long, help: ArgumentHelp("Take back this module; may be repeated.", valueName: "name[@version]"))
    var module: [ModuleReference] = []
    @Option(
        name: .long,
        help: ArgumentHelp("Compute the rounds that this device went into again, without it.", valueName: "id"))
    var withoutDevice: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --without-device: leave out only what this round and later ones counted, or what was submitted from this "
                + "time on (2026-11-01, or 2026-11-01T12:00:00Z).", valueName: "round|time"))
    var since: RemovalStart?
    @Flag(name: .long, help: "With --without-device: say what would be computed again, and change nothing.")
    var dryRun = false
    @Option(name: .long, help: ArgumentHelp("Why; recorded for good. Needed but for --dry-run.", valueName: "text"))
    var reason: String?
    @Flag(name: .long, help: "Take withdrawn releases and versions of the target back into service.")
    var reinstate = false
    @Flag(name: .long, help: "Do not ask on a terminal.")
    var yes = false
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard [toRelease != nil, !module.isEmpty, withoutDevice != nil].filter({ $0 }).count == 1 else {
            throw ValidationError(
                "name what to go back to: --to-release NUMBER, --module NAME[@VERSION], or --without-device ID")
        }
        guard withoutDevice != nil || (since == nil && !dryRun) else {
            throw ValidationError("--since and --dry-run go with --without-device")
        }
        guard withoutDevice == nil || !reinstate else {
            throw ValidationError("--reinstate goes with --to-release and --module")
        }
        guard dryRun || reason != nil else { throw ValidationError("--reason is missing; say why") }
        guard reason?.allSatisfy(\.isWhitespace) != true else { throw ValidationError("--reason is empty; say why") }
        var names: Set<String> = []
        for reference in module where !names.insert(reference.module).inserted {
            throw ValidationError("--module names \(reference.module) twice")
        }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        if let withoutDevice { return try await forget(withoutDevice, on: session, output: output) }
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
                model, channel: channel, to: target, reinstate: reinstate, as: database.provenance(reason: reason ?? "")
            ))
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
            withoutDevice.map { "versions without device \($0)" } ?? toRelease.map { "the versions of release \($0)" }
            ?? "older versions of " + module.map(\.module).joined(separator: ", ")
        let question = "Take channel \(channel) of \(model) from release \(current) to \(target)? [y/N] "
        FileHandle.standardError.write(Data(question.utf8))
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw CommandFailure(.refused, "not confirmed; nothing was changed")
        }
    }

    private func forget(_ device: String, on session: RegistrySession, output: CommandOutput) async throws {
        let forgetter = try DeviceForgetter(registry: session.registry)
        let removal = DeviceRemoval(device: device, since: since?.start)
        let outcome: ForgetOutcome
        if dryRun {
            outcome = try await forgetter.plan(removal, in: model, channel: channel)
        } else {
            let current = try await session.registry.release(of: model, .channel(channel))
            try confirm(current: current.number)
            outcome = try await forgetter.forget(
                removal, in: model, channel: channel, as: database.provenance(reason: reason ?? ""))
        }
        let document = ForgetDocument(outcome, isDryRun: dryRun)
        try output.result(document) { document.text(width: $0) }
        if !outcome.otherChannels.isEmpty {
            output.remark(
                "Versions that the device went into stay in channel \(outcome.otherChannels.joined(separator: ", ")): "
                    + "repeat the command with --channel, or move it.")
        }
    }
}
