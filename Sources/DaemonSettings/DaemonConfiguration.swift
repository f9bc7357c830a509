import Configuration
public import ECLMCore
import Foundation
import SystemPackage

/// A daemon's settings in layers: a flag wins over the environment, the environment over the file.
///
/// The setting `listen` of `registryd` is the flag `--listen`, the variable `ECLM_REGISTRYD_LISTEN`, and in the file
/// `{"eclm": {"registryd": {"listen": …}}}`. What tells the way to the database and to the blobs belongs to all daemons:
/// `database` is `ECLM_DATABASE` and `{"eclm": {"database": …}}`.
public struct DaemonConfiguration: Sendable {
    private let reader: ConfigReader
    private let section: String

    /// Reads the file and the environment.
    ///
    /// - Parameters:
    ///   - section: The daemon's name.
    ///   - file: The JSON file's path; `nil` for none.
    ///   - settings: The names of the daemon's settings: any other in the file is an error.
    /// - Throws: ``ConfigurationError`` for a file that cannot be read, is no JSON, or has settings nobody knows.
    public init(section: String, file: String?, settings: Set<String>) async throws {
        self.section = section
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider()]
        if let file {
            try Self.check(file, section: section, settings: settings)
            do {
                providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(file)))
            } catch {
                throw ConfigurationError("the configuration file \(file) cannot be read: \(error.explanation)")
            }
        }
        reader = ConfigReader(providers: providers)
    }

    /// The folder where new blobs go instead of into the database: `blob-directory` of all programs; `nil` for the
    /// database.
    public func blobDirectory(flag: String?) -> String? {
        shared("blob-directory", flag: flag)
    }

    /// A setting of all daemons as text.
    func shared(_ name: String, flag: String?) -> String? {
        flag ?? reader.string(forKey: ConfigKey(["eclm", name]))
    }

    /// A setting as text.
    public func string(_ name: String, flag: String?) -> String? {
        flag ?? reader.string(forKey: ConfigKey(["eclm", section, name]))
    }

    /// A setting that is a whole number in a range.
    ///
    /// - Throws: ``ConfigurationError`` for anything else.
    public func integer(_ name: String, flag: Int?, in range: ClosedRange<Int>, default standard: Int) throws -> Int {
        let value: Int
        if let flag {
            value = flag
        } else if let number = reader.int(forKey: ConfigKey(["eclm", section, name])) {
            value = number
        } else if let text = string(name, flag: nil) {
            throw ConfigurationError("\(name) is \(text.debugDescription); it must be a whole number")
        } else {
            value = standard
        }
        guard range.contains(value) else {
            throw ConfigurationError("\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A setting in seconds, fractions allowed.
    ///
    /// - Throws: ``ConfigurationError`` for anything but a number of at least 0.
    public func seconds(_ name: String, flag: Double?, default standard: Double) throws -> Duration {
        try seconds(name, of: [section], flag: flag, default: standard)
    }

    /// The same of the daemon's section, or of all daemons where there is none.
    func seconds(_ name: String, of sections: [String], flag: Double?, default standard: Double) throws -> Duration {
        let key = ConfigKey(["eclm"] + sections + [name])
        let value: Double
        if let given = flag ?? reader.double(forKey: key) {
            value = given
        } else if let number = reader.int(forKey: key) {
            value = Double(number)
        } else if let text = reader.string(forKey: key) {
            throw ConfigurationError("\(name) is \(text.debugDescription); it must be a number of seconds")
        } else {
            value = standard
        }
        guard value.isFinite, (0...31_536_000).contains(value) else {
            throw ConfigurationError("\(name) is \(value); it must be 0 to 31536000 seconds")
        }
        return .seconds(value)
    }

    /// A setting in bytes, such as `256MiB`.
    ///
    /// - Throws: ``ConfigurationError`` for anything that is no size.
    public func size(_ name: String, flag: ByteSize?, default standard: ByteSize) throws -> ByteSize {
        if let flag { return flag }
        guard let text = string(name, flag: nil) else { return standard }
        guard let size = ByteSize(text) else {
            throw ConfigurationError("\(name) is \(text.debugDescription); write a size such as 256MiB")
        }
        return size
    }

    /// A setting that is true or false.
    ///
    /// - Throws: ``ConfigurationError`` for anything else.
    public func boolean(_ name: String, flag: Bool?, default standard: Bool) throws -> Bool {
        if let flag { return flag }
        if let value = reader.bool(forKey: ConfigKey(["eclm", section, name])) { return value }
        guard let text = string(name, flag: nil) else { return standard }
        throw ConfigurationError("\(name) is \(text.debugDescription); it must be true or false")
    }

    /// A setting that is a list: an array in the file, separated by commas in the environment; empty when it is not set.
    ///
    /// - Throws: ``ConfigurationError`` for anything that is no list.
    public func list(_ name: String, flag: [String]) throws -> [String] {
        if !flag.isEmpty { return flag }
        if let values = reader.stringArray(forKey: ConfigKey(["eclm", section, name])) { return values }
        guard let text = string(name, flag: nil) else { return [] }
        throw ConfigurationError("\(name) is \(text.debugDescription); it must be a list of texts")
    }

    private static func check(_ file: String, section: String, settings: Set<String>) throws {
        let root: JSONValue
        do {
            let bytes = try Data(contentsOf: URL(filePath: file))
            root = try JSONReader(maximumBytes: 1 << 20).value(of: "the file", in: bytes)
        } catch let error as JSONError {
            throw ConfigurationError("the configuration file \(file) cannot be read: \(error.message)")
        } catch {
            throw ConfigurationError("the configuration file \(file) cannot be read: \(error.localizedDescription)")
        }
        guard case .object(let document) = root, case .object(let eclm)? = root["eclm"], document.count == 1 else {
            throw ConfigurationError("the configuration file \(file) must be {\"eclm\": {…}}")
        }
        let known = sharedNames + ["registryd", "trainerd"]
        for name in eclm.map(\.key).sorted() where !known.contains(name) {
            throw ConfigurationError("\(file): eclm.\(name) is no setting; use \(known.joined(separator: ", "))")
        }
        guard let value = eclm.first(where: { $0.key == section })?.value else { return }
        guard case .object(let mine) = value else {
            throw ConfigurationError("\(file): eclm.\(section) must be an object")
        }
        for name in mine.map(\.key).sorted() where !settings.contains(name) {
            throw ConfigurationError(
                "\(file): eclm.\(section).\(name) is no setting; use \(settings.sorted().joined(separator: ", "))")
        }
    }
}
