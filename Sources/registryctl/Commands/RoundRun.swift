import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct RoundRun: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Asks the trainers for a round of a model now, of whatever updates wait.",
        discussion: """
            The policy's minimum, wait and quorum do not count for it, what the rule itself needs does. The request stays in \
            the database until a trainer answers it, once: with a round, or with why there is none. With --wait the \
            command waits for the answer: it ends with 4 where there is no round, and with 5 where no trainer answered \
            in time; the request stays then. While a canary runs, the rounds of its channel wait for its end: the command \
            says so at once.

            Example:
              registryctl round run minilm --reason "before the demo" --wait 2m
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Option(name: .long, help: ArgumentHelp("Why; recorded for good.", valueName: "text"))
    var reason = ""
    @Option(name: .long, help: ArgumentHelp("Wait for the answer, such as 90s or 10m.", valueName: "time"))
    var wait: TimeSpan?
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        var request = try await session.registry.requestRound(of: model, as: database.provenance(reason: reason))
        let canaries = try await session.registry.canaries(of: model, state: .running, page: PageRequest(size: 10))
            .items
        for canary in canaries { output.remark(Self.hold(canary)) }
        if let wait {
            let end = ContinuousClock.now + wait.duration
            while request.answeredAt == nil, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(200))
                request = try await session.registry.roundRequest(request.requestID)
            }
        }
        var document = RoundRequestDocument(request)
        if request.answeredAt == nil { document.heldByCanaries = canaries.map(\.canaryID) }
        // The document is the result also where there is no round: the status tells.
        try output.result(document) { _ in
            "Request \(document.request) for a round of \(document.model)"
                + (document.answer.map { " is answered: \($0)." } ?? " waits for a trainer.")
        }
        guard wait != nil, request.round == nil else { return }
        guard let answer = request.answer else {
            let obstacle = try await session.registry.roundObstacles(of: model).first?.text
            throw CommandFailure(
                .unavailable, "no trainer has answered request \(document.request) yet; it stays",
                hint: canaries.first.map(Self.hold) ?? obstacle ?? "start trainerd, or look at its log")
        }
        throw CommandFailure(.refused, answer)
    }

    /// What keeps the trainers of a channel waiting.
    private static func hold(_ canary: CanaryRecord) -> String {
        let channel = canary.settings.channel
        return
            "release \(canary.settings.candidate) is on trial on channel \(channel) since \(Timestamp(canary.startedAt).brief) "
            + "(canary \(canary.canaryID)): the channel's rounds wait until trainerd decides, or `registryctl canary promote "
            + "\(canary.model) --channel \(channel)` or `canary abort` ends it"
    }
}
