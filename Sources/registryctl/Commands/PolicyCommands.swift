import Aggregation
import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct PolicyCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Shows, sets and traces how the updates of a model are aggregated.",
        discussion: """
            A model without a policy is trained with the settings of trainerd. Rules:
            \(PolicySet.rules)

            Example:
              registryctl policy set minilm --rule trimmed_mean --parameter fraction=0.2 --reason "two bad devices"
            """,
        subcommands: [PolicyShow.self, PolicySet.self, PolicyHistory.self, PolicyMethods.self])
}

struct PolicyShow: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows the policy that counts for a model.",
        discussion: """
            Example:
              registryctl policy show minilm
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        guard let policy = try await session.registry.policy(of: model) else {
            throw CommandFailure(
                .notFound,
                "model \(model) has no policy: the settings of trainerd count; `registryctl policy set` makes one")
        }
        let document = PolicyDocument(policy)
        try output.result(document) { _ in document.fields.rendered() }
    }
}

struct PolicyHistory: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Lists the policies of a model, newest first.",
        discussion: """
            Example:
              registryctl policy history minilm
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(PolicyDocument.init) {
            try await session.registry.policyHistory(of: model, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                .number("revision"), "rule", "parameters", "optimizer", .number("minimum"), .number("maximum"),
                .number("quorum"), .number("wait"), "selector", "set", "by", "reason",
            ],
            ifEmpty: "Model \(model) has no policy: the settings of trainerd count."
        ) { policy in
            [
                "\(policy.revision)", policy.rule, policy.parameterText, policy.optimizerText,
                "\(policy.minimumUpdates)", "\(policy.maximumUpdates)", policy.quorum == 0 ? "" : "\(policy.quorum)",
                policy.waitText, policy.trainSelector ? "trained" : "frozen", policy.createdAt.brief, policy.createdBy,
                policy.reason,
            ]
        }
    }
}

struct PolicySet: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Sets the policy of a model: a new revision that the next round follows.",
        discussion: """
            What is not named stays as it was, in the first revision as trainerd does by default: the importance-weighted \
            mean of 1 to 256 updates that wait 60 s at most. Another rule begins without parameters, with --parameter \
            NAME= one is taken away. A change that changes nothing makes no revision. Rules:
            \(Self.rules)
            Each rule takes as well, and \(Self.privateRules) maximum_staleness alone of them:
            \(Self.common)
            Optimizers, which make a module's version of the rule's aggregate:
            \(Self.optimizers)

            Examples:
              registryctl policy set minilm --rule multi_krum --parameter f=2 --parameter m=4 --minimum-updates 10 \
            --reason "rounds 12 to 14 were poisoned"
              registryctl policy set minilm --parameter clip_norm=0.5 --reason "bound each device"
              registryctl policy set minilm --optimizer fedadam --optimizer-parameter learning_rate=0.03 --quorum 8 \
            --reason "few devices a round"
              registryctl policy set minilm --rule private_mean --parameter noise_multiplier=1.1 --parameter clip_norm=0.5 \
            --parameter delta=1e-6 --minimum-updates 100 --reason "keep devices private"
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Option(name: .long, help: ArgumentHelp("The aggregation rule.", valueName: "name"))
    var rule: String?
    @Option(
        name: .long,
        help: ArgumentHelp("A parameter of the rule; may be repeated.", valueName: "name=value"))
    var parameter: [ParameterAssignment] = []
    @Option(name: .long, help: ArgumentHelp("The server optimizer.", valueName: "name"))
    var optimizer: String?
    @Option(
        name: .long,
        help: ArgumentHelp("A parameter of the optimizer; may be repeated.", valueName: "name=value"))
    var optimizerParameter: [ParameterAssignment] = []
    @Option(name: .long, help: ArgumentHelp("Updates that make a round.", valueName: "number"))
    var minimumUpdates: Int?
    @Option(
        name: .long,
        help: ArgumentHelp("Updates of one module that make a round as well; 0 for none.", valueName: "number"))
    var quorum: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The fewest updates of a round, however long they wait; 0 for what the rule asks for.", valueName: "number")
    )
    var requireUpdates: Int?
    @Option(
        name: .long,
        help: ArgumentHelp("As well, of as many devices; 0 for what the rule asks for.", valueName: "number"))
    var requireDevices: Int?
    @Option(name: .long, help: ArgumentHelp("Updates that one round takes at most.", valueName: "number"))
    var maximumUpdates: Int?
    @Option(
        name: .long,
        help: ArgumentHelp("How long an update waits for the minimum, such as 90s, 10m or 24h.", valueName: "time"))
    var maximumWait: TimeSpan?
    @Flag(inversion: .prefixedNo, help: "Whether the selector is trained, too.")
    var trainSelector: Bool?
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    /// What every rule takes, a line each.
    static let common = RuleSpecification.common.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n")

    private static let privateRules = PolicyVocabulary.standard.privateRules.joined(separator: ", ")

    /// The rules with their parameters, a line each.
    static let rules = PolicyVocabulary.standard.rules.map { line($0.definition) }.joined(separator: "\n")

    /// The optimizers with their parameters, a line each.
    static let optimizers = PolicyVocabulary.standard.optimizerDefinitions.map(line)
        .joined(separator: "\n")

    private static func line(_ method: MethodDefinition) -> String {
        let parameters = method.parameters.map { parameter in
            parameter.name + (parameter.standard.map { "=\(Figure.number($0))" } ?? "")
        }
        let names = parameters.isEmpty ? "" : " (\(parameters.joined(separator: ", ")))"
        return "  \(method.name)\(names): \(method.summary)"
    }

    func validate() throws {
        for (option, given) in [("--parameter", parameter), ("--optimizer-parameter", optimizerParameter)] {
            var names: Set<String> = []
            for assignment in given where !names.insert(assignment.name).inserted {
                throw ValidationError("\(option) names \(assignment.name) twice")
            }
        }
        guard
            rule != nil || !parameter.isEmpty || minimumUpdates != nil || maximumUpdates != nil || maximumWait != nil
                || trainSelector != nil || optimizer != nil || !optimizerParameter.isEmpty || quorum != nil
                || requireUpdates != nil || requireDevices != nil
        else {
            throw ValidationError("name what to set, such as --rule NAME or --minimum-updates NUMBER")
        }
    }

    private struct Document: Encodable {
        var policy: PolicyDocument
        var isNew: Bool
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let change = PolicyChange(
            rule: rule,
            parameters: Dictionary(parameter.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
            minimumUpdates: minimumUpdates, maximumUpdates: maximumUpdates,
            maximumWait: maximumWait.map { Double($0.seconds) }, trainsSelector: trainSelector, optimizer: optimizer,
            optimizerParameters: Dictionary(
                optimizerParameter.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
            quorum: quorum, requiredUpdates: requireUpdates, requiredDevices: requireDevices)
        let result = try await session.registry.setPolicy(
            of: model, change, as: database.provenance(reason: why.reason))
        let document = Document(policy: PolicyDocument(result.policy), isNew: result.isNew)
        try output.result(document) { _ in
            let revision = document.policy.revision
            let line =
                document.isNew
                ? "Policy \(revision) of \(model) counts from the next round on."
                : "Policy \(revision) of \(model) says so already; nothing was changed."
            return line + "\n\n" + document.policy.fields.rendered()
        }
    }
}
