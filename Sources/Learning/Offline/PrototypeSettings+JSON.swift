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
        let given: Any
        do {
            given = try JSONSerialization.jsonObject(with: Data(json))
        } catch {
            throw LearningError(.specification, "the settings are no JSON: \(error.localizedDescription)", cause: error)
        }
        guard let given = given as? [String: Any] else {
            throw LearningError(.specification, "the settings must be a JSON object, such as {\"end_to_end\": {…}}")
        }
        let merged = try merge(given, onto: object(defaults), known: object(template), path: "")
        do {
            return try JSONDecoder().decode(
                PrototypeSettings.self, from: JSONSerialization.data(withJSONObject: merged)
            ).validated()
        } catch let error as DecodingError {
            throw LearningError(.specification, "the settings cannot be read: \(error.explanation)", cause: error)
        }
    }

    /// The settings as a document, what is switched off as `null`: sorted keys, so that equal settings are equal bytes,
    /// and read back they are the same whatever the defaults.
    public var json: [UInt8] {
        // Numbers, booleans and lists always encode.
        (try? JSONSerialization.data(
            withJSONObject: Self.withNulls(Self.object(self), known: Self.object(Self.template)),
            options: [.sortedKeys, .withoutEscapingSlashes])).map { [UInt8]($0) } ?? []
    }

    private static func object(_ settings: PrototypeSettings) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(settings)) as? [String: Any] ?? [:]
    }

    private static func withNulls(_ object: [String: Any], known: [String: Any]) -> [String: Any] {
        var object = object
        for (key, pattern) in known {
            if let value = object[key] as? [String: Any], let pattern = pattern as? [String: Any] {
                object[key] = withNulls(value, known: pattern)
            } else if object[key] == nil {
                object[key] = NSNull()
            }
        }
        return object
    }

    /// A misspelt key would otherwise silently mean its default.
    private static func merge(
        _ given: [String: Any], onto defaults: [String: Any], known: [String: Any], path: String
    ) throws -> [String: Any] {
        var merged = defaults
        for (key, value) in given.sorted(by: { $0.key < $1.key }) {
            let place = path.isEmpty ? key : "\(path).\(key)"
            guard let pattern = known[key] else {
                throw LearningError(
                    .specification,
                    "the settings have no key \(place); there are \(known.keys.sorted().joined(separator: ", "))")
            }
            if let value = value as? [String: Any], let pattern = pattern as? [String: Any] {
                merged[key] = try merge(
                    value, onto: defaults[key] as? [String: Any] ?? pattern, known: pattern, path: place)
            } else {
                merged[key] = value
            }
        }
        return merged
    }
}
