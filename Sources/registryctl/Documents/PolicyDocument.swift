import CommandSupport
import Registry
import RegistryPrograms

struct PolicyDocument: Encodable {
    var model: String
    var revision: Int
    var rule: String
    var parameters: [String: Double]
    var minimumUpdates: Int
    var maximumUpdates: Int
    /// Seconds.
    var maximumWait: Double
    var trainSelector: Bool
    var optimizer: String
    var optimizerParameters: [String: Double]
    /// 0 for none.
    var quorum: Int
    /// Absent where the rule's own number counts.
    var requiredUpdates: Int?
    var requiredDevices: Int?
    var reason: String
    var createdAt: Timestamp
    var createdBy: String

    init(_ record: PolicyRecord) {
        model = record.model
        revision = record.revision
        rule = record.rule
        parameters = record.parameters
        minimumUpdates = record.minimumUpdates
        maximumUpdates = record.maximumUpdates
        maximumWait = record.maximumWait
        trainSelector = record.trainsSelector
        optimizer = record.optimizer
        optimizerParameters = record.optimizerParameters
        quorum = record.quorum
        requiredUpdates = record.requiredUpdates
        requiredDevices = record.requiredDevices
        reason = record.reason
        createdAt = Timestamp(record.createdAt)
        createdBy = record.createdBy
    }

    var parameterText: String { Self.text(parameters) }

    /// The optimizer with its parameters; empty where there is none.
    var optimizerText: String {
        guard optimizer != "none" else { return "" }
        return optimizerParameters.isEmpty ? optimizer : "\(optimizer) \(Self.text(optimizerParameters))"
    }

    private static func text(_ parameters: [String: Double]) -> String {
        parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\(Figure.number($0.value))" }.joined(separator: " ")
    }

    var waitText: String { "\(Figure.number(maximumWait)) s" }

    var fields: FieldList {
        var fields = FieldList()
        fields.add("model", model)
        fields.add("revision", revision)
        fields.add("rule", rule)
        fields.add("parameters", parameterText.isEmpty ? nil : parameterText)
        fields.add("optimizer", optimizerText.isEmpty ? nil : optimizerText)
        fields.add("minimum updates", minimumUpdates)
        fields.add("maximum updates", maximumUpdates)
        fields.add("required updates", requiredUpdates.map { "\($0)" } ?? "as the rule asks for")
        fields.add("required devices", requiredDevices.map { "\($0)" } ?? "as the rule asks for")
        fields.add("quorum", quorum == 0 ? nil : quorum)
        fields.add("maximum wait", waitText)
        fields.add("selector", trainSelector ? "trained" : "frozen")
        fields.add("set", createdAt.brief)
        fields.add("by", createdBy)
        fields.add("reason", reason)
        return fields
    }
}
