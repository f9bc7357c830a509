import Aggregation
import ArgumentParser
import CommandSupport
import ECLMCore

/// `registryctl policy methods`: what policies may name. Needs no database.
struct PolicyMethods: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "methods",
        abstract: "Lists the rules and server optimizers that policies may name, and the encodings of updates.",
        discussion: """
            Needs no database: these are the methods of this program. eclm.policy_methods has those of the program that \
            migrated the database.

            Examples:
              registryctl policy methods
              registryctl policy methods --output json
            """)

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        try await runCommand(options) { output in
            let document = MethodsDocument(PolicyVocabulary.standard)
            var table = Table(["kind", "name", "parameter", "range", "default", "does"])
            for method in document.rules + document.optimizers {
                table.add([method.kind, method.name, "", "", "", method.summary])
                for parameter in method.parameters {
                    table.add(["", "", parameter.name, parameter.range, parameter.standardText, parameter.summary])
                }
            }
            for encoding in document.encodings { table.add(["encoding", encoding.name, "", "", "", encoding.summary]) }
            try output.result(document, table: table, ifEmpty: "There is none.")
        }
    }
}

/// What policies may name.
struct MethodsDocument: Encodable {
    struct Parameter: Encodable {
        var name: String
        /// In words.
        var range: String
        var standard: Double?
        var isRequired: Bool
        var summary: String

        init(_ parameter: Aggregation.Parameter) {
            name = parameter.name
            range = parameter.rangeText
            standard = parameter.standard
            isRequired = parameter.isRequired
            summary = parameter.summary
        }

        var standardText: String { isRequired ? "required" : standard.map(Figure.number) ?? "off" }
    }

    struct Method: Encodable {
        var kind: String
        var name: String
        var summary: String
        var parameters: [Parameter]
        /// Of a rule, the most updates that a round may take with it.
        var maximumUpdates: Int?
        /// Of a rule, whether it keeps devices private.
        var isPrivate: Bool?
        /// Of a rule, what it takes of the parameters of all rules.
        var common: [String]?
    }

    struct Encoding: Encodable {
        var name: String
        var isDifference: Bool
        var summary: String
    }

    var rules: [Method]
    /// What every rule takes that names them in `common`.
    var common: [Parameter]
    var optimizers: [Method]
    var encodings: [Encoding]

    init(_ vocabulary: PolicyVocabulary) {
        rules = vocabulary.rules.map { rule in
            Method(
                kind: "rule", name: rule.definition.name, summary: rule.definition.summary,
                parameters: rule.definition.parameters.map(Parameter.init), maximumUpdates: rule.maximumUpdates,
                isPrivate: rule.isPrivate, common: RuleSpecification.checks(of: rule).map(\.name))
        }
        common = RuleSpecification.common.map(Parameter.init)
        optimizers = vocabulary.optimizerDefinitions.map {
            Method(
                kind: "optimizer", name: $0.name, summary: $0.summary, parameters: $0.parameters.map(Parameter.init))
        }
        encodings = UpdateEncoding.allCases.map {
            Encoding(name: $0.rawValue, isDifference: $0.isDifference, summary: $0.summary)
        }
    }
}
