import ECLMCore
import Foundation

extension PrototypeSettings {
    /// Every key there is; what is optional has a value.
    private static let template = PrototypeSettings(
        dense: TrainingSettings(epochs: 10, batch: 32, rate: 3e-3, clipNorm: 5),
        endToEnd: EndToEndStage(), abilityEnhancing: AbilityStage())

    /// Settings from a JSON document; what it leaves out has the value of `defaults`, and `null` switches an optional
    /// part off.
    ///
    /// - Throws: ``LearningError`` with `specification` for what is no such document, names a key that there is not, or is
    ///   not sound.
    public static func parse(
        _ json: some Collection<UInt8>, defaults: PrototypeSettings = .init()
    ) throws -> PrototypeSettings {
        let reader = JSONReader()
        let what = "the settings document"
        let settings: PrototypeSettings
        do throws(JSONError) {
            let known = try document(template)
            let given = try reader.value(of: what, in: json)
            guard case .object = given else {
                throw JSONError(.mismatch, "\(what) must be a JSON object, such as {\"end_to_end\": {…}}")
            }
            try given.refuseKeys(unknownTo: known, of: what)
            settings = try reader.decode(of: what, from: given.laid(over: document(defaults), known: known))
        } catch {
            throw LearningError(.specification, error.message, cause: error)
        }
        return try settings.validated()
    }

    /// The settings as a document, what is switched off as `null`: sorted keys, so that equal settings are equal bytes,
    /// and read back they are the same whatever the defaults.
    public var json: [UInt8] {
        // Numbers, booleans and lists always encode.
        (try? Self.document(self).withNulls(for: Self.document(Self.template)).encoded) ?? []
    }

    private static func document(_ settings: PrototypeSettings) throws(JSONError) -> JSONValue {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        // As above.
        return try JSONReader().value(of: "the settings", in: (try? encoder.encode(settings)) ?? Data())
    }
}

extension JSONValue {
    /// The members of this object laid over those of another, in depth. Where the other has no object, `known` stands in:
    /// what is switched on begins with its values.
    fileprivate func laid(over other: JSONValue?, known: JSONValue?) -> JSONValue {
        guard case .object(let members) = self, case .object(let knownMembers) = known else { return self }
        var merged = knownMembers
        if case .object(let others) = other { merged = others }
        for member in members {
            let value = member.value.laid(over: other?[member.key], known: known?[member.key])
            merged.removeAll { $0.key == member.key }
            merged.append((member.key, value))
        }
        return .object(merged)
    }

    /// The object with every key of `known`, `null` where it has none, and its keys sorted.
    fileprivate func withNulls(for known: JSONValue) -> JSONValue {
        guard case .object(let members) = self, case .object(let knownMembers) = known else { return self }
        let missing = knownMembers.filter { self[$0.key] == nil }.map { ($0.key, JSONValue.null) }
        let complete = members.map { ($0.key, known[$0.key].map($0.value.withNulls) ?? $0.value) } + missing
        return .object(complete.sorted { $0.0 < $1.0 }.map { (key: $0.0, value: $0.1) })
    }
}
