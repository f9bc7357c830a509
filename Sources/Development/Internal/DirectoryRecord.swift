import ECLMCore
import Foundation

/// Remembers, in the user's own state folder, that this user made a data directory.
///
/// A PostgreSQL data directory runs what it says: its settings name programs and libraries. One that merely lies in the
/// working directory, as an archive or another user may have left it, must not be started unasked. The same random mark
/// in both places tells that it is ours; whoever made another directory does not know it.
struct DirectoryRecord: Sendable {
    /// The mark in the data directory.
    let mark: String
    /// The mark in the user's state folder; `nil` where the user has none.
    let copy: String?

    init(directory: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        mark = directory + "/dev.mark"
        copy = Self.stateFolder(environment).map { "\($0)/eclm/dev/\(Digest.of(Array(directory.utf8)).hex)" }
    }

    /// Whether this user made the directory.
    var isKnown: Bool {
        guard let copy, let ours = Self.read(copy), let theirs = Self.read(mark) else { return false }
        return ours == theirs
    }

    /// Makes the directory known from now on.
    ///
    /// - Returns: Whether that could be written.
    func write() -> Bool {
        guard let copy else { return false }
        let text = UUID().uuidString
        do {
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: copy).deletingLastPathComponent().path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            for path in [copy, mark] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            }
            return true
        } catch {
            return false
        }
    }

    private static func read(_ path: String) -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty else { return nil }
        return text
    }

    /// `$XDG_STATE_HOME`, or `.local/state` in the user's home.
    private static func stateFolder(_ environment: [String: String]) -> String? {
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return folder }
        let home = environment["HOME"] ?? getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) }
        guard let home, home.hasPrefix("/") else { return nil }
        return home + "/.local/state"
    }
}
