import CommandSupport
import ECLMCore
import Learning
import RegistryPrograms

/// What the command prints.
struct PrototypeDocument: Encodable {
    var model: String
    var seed: UInt64
    var steps: Int
    var resumedAt: Int
    var parameters: Int
    var modules: Int
    var bytes: Int64
    var loss: Double?
    var validationAccuracy: Double?
    var files: [String] = []
    var publication: PublicationDocument?
    var costsRecorded: [String: Int]?

    init(_ made: PrototypeResult, of prototype: Prototype, _ publication: NetworkPublication) {
        model = publication.manifest.model
        seed = prototype.seed
        steps = prototype.totalSteps
        resumedAt = made.resumedAt
        parameters = made.network.parameterCount
        modules = publication.manifest.modules.count
        bytes = publication.manifest.modules.reduce(0) { $0 + $1.costs.bytes }
        loss = made.history.epochs.last?.loss
        validationAccuracy = made.history.epochs.last?.validationAccuracy
    }

    var text: String {
        var fields = FieldList()
        fields.add("model", model)
        fields.add("modules", "\(modules), \(parameters) parameters, \(ByteSize(bytes))")
        fields.add("steps", resumedAt > 0 ? "\(steps), \(resumedAt) of them in an earlier run" : "\(steps)")
        fields.add("loss", loss.map { Quantity.decimal($0, places: 4) })
        fields.add("validation accuracy", validationAccuracy.map { Quantity.decimal(100 * $0, places: 2) + " %" })
        fields.add("files", files.isEmpty ? nil : files.joined(separator: " "))
        if let release = publication?.release {
            fields.add("release", release.release)
            fields.add("new versions", publication?.newVersions)
            fields.add("channels", release.channels.joined(separator: " "))
        }
        for (name, count) in (costsRecorded ?? [:]).sorted(by: { $0.key < $1.key }) {
            fields.add("costs on \(name)", "\(count) modules")
        }
        return fields.rendered()
    }
}
