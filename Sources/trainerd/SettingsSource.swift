import CommandSupport
import Configuration
import Foundation
import SystemPackage

/// The environment's `ECLM_TRAINER_…` and, after it, the JSON file.
struct SettingsSource: Sendable {
    private static let prefix = "eclm.trainer"
    private static let keys: Set<String> = [
        "database", "blob_directory", "migrations", "name", "channel", "models", "minimum_updates", "maximum_updates",
        "maximum_wait", "poll_interval", "train_selector", "connections",
    ]

    private var providers: [(name: String, provider: any ConfigProvider)]

    /// Reads the file, if there is one.
    ///
    /// - Throws: `CommandFailure` when it cannot be read, is no JSON object, or has a key that nobody knows.
    init(file: String?) async throws {
        providers = [
            ("the environment", EnvironmentVariablesProvider().prefixKeys(with: ConfigKey(Self.prefix)))
        ]
        let named = ProcessInfo.processInfo.environment["ECLM_TRAINER_CONFIG"]
        guard let file = file ?? named, !file.isEmpty else { return }
        do {
            let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
            let unknown = Set((object as? [String: Any] ?? [:]).keys).subtracting(Self.keys)
            guard unknown.isEmpty else {
                throw CommandFailure(
                    .refused, "\(file) has settings that there are not: \(unknown.sorted().joined(separator: ", "))",
                    hint: "the settings are \(Self.keys.sorted().joined(separator: ", "))")
            }
            providers.append((file, try await FileProvider<JSONSnapshot>(filePath: FilePath(file))))
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.refused, "the settings in \(file) cannot be read: \(error)")
        }
    }

    /// The value of a setting; `nil` when no place has it.
    func string(_ key: String) throws -> String? {
        try first(key, .string) { if case .string(let value) = $0 { value } else { nil } }
    }

    /// The value of a setting; `nil` when no place has it.
    func int(_ key: String) throws -> Int? {
        try first(key, .int) { if case .int(let value) = $0 { value } else { nil } }
    }

    /// The value of a setting; `nil` when no place has it.
    func bool(_ key: String) throws -> Bool? {
        try first(key, .bool) { if case .bool(let value) = $0 { value } else { nil } }
    }

    /// The value of a setting; `nil` when no place has it. Separated by commas in the environment.
    func strings(_ key: String) throws -> [String]? {
        try first(key, .stringArray) { if case .stringArray(let value) = $0 { value } else { nil } }
    }

    private func first<T>(_ key: String, _ type: ConfigType, _ read: (ConfigContent) -> T?) throws -> T? {
        for (name, provider) in providers {
            do {
                let found = try provider.value(forKey: AbsoluteConfigKey(ConfigKey([key])), type: type)
                if let content = found.value?.content, let value = read(content) { return value }
            } catch {
                throw CommandFailure(.refused, "\(key) in \(name) is no \(type.rawValue)")
            }
        }
        return nil
    }
}
