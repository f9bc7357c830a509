import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient
import RPC

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait for new releases, and pull them if asked to.",
        discussion: """
            Prints a line for each release that the channel comes to point to, beginning with one this device does not \
            have yet; with --output json, one JSON document a line. Goes on when the registry cannot be reached for a while.

            Example:
              edgectl watch --model vision --pull --memory 12MiB

            \(ExitStatus.help)
            """)

    @OptionGroup var pull: PullOptions

    @Flag(name: .customLong("pull"), help: "Pull a sub-model of each new release.")
    var pulls = false

    @Flag(name: .long, help: "End after the first new release.")
    var once = false

    @Option(name: .long, help: "The release that is known already. Default: that of the pulled sub-model.")
    var after: Int32?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await runCommand(global) { output in
            let request = try pull.request()
            try await connection.withClient { client in
                var known = after ?? Self.pulledRelease(client, pull)
                var failures = 0
                while true {
                    do {
                        let release = try await client.waitForRelease(
                            model: pull.model, channel: pull.channel, after: known)
                        failures = 0
                        guard release != known else { continue }
                        var report: PullReport?
                        if pulls { report = try await Pull.pull(client, request, pull, output) }
                        // A channel may have moved on between the answer and the pull.
                        known = report?.release ?? release
                        let event = Event(model: pull.model, channel: pull.channel, release: known, pulled: report)
                        try output.event(event, line: event.text)
                        if once { return }
                    } catch let error as EdgeError where error.code == .unavailable {
                        failures += 1
                        output.remark("\(error.message); trying again")
                        try await Task.sleep(for: client.registry.retry.backoff.pause(afterFailures: failures))
                    }
                }
            }
        }
    }

    private static func pulledRelease(_ client: EdgeClient, _ pull: PullOptions) -> Int32 {
        let directory = pull.out ?? client.state.subModelPath(model: pull.model)
        guard let manifest = try? SubModelManifest(directory: directory), manifest.model == pull.model else { return 0 }
        return manifest.release
    }

    private struct Event: Encodable {
        var model: String
        var channel: String
        var release: Int32
        var pulled: PullReport?

        var text: String {
            let line = "\(model) \(channel): release \(release)"
            guard let pulled, let transfer = pulled.transfer else { return line }
            return line + ", pulled \(pulled.modules.count) modules, \(transfer.fetchedModules) fetched "
                + "(\(ByteSize(transfer.fetchedBytes)))"
        }
    }
}
