import Foundation

/// Finds the directory of the migrations that belong to this program.
public enum MigrationsDirectory {
    /// The environment variable that names the directory.
    public static let variable = "ECLM_MIGRATIONS"

    /// The first of: `explicit`; `$ECLM_MIGRATIONS`; `../share/eclm/migrations` beside the program, where packages put
    /// it; a `migrations` folder with a `0001_*.sql` in a folder above the program or the working directory, which is
    /// where a source checkout has it.
    ///
    /// What was named explicitly is not checked here: ``Migrator/init(directory:)`` tells what is wrong with it.
    /// - Throws: ``RegistryError`` `.notFound` with the places that were looked at.
    public static func locate(
        _ explicit: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
        executable: String? = executablePath(), workingDirectory: String = FileManager.default.currentDirectoryPath
    ) throws(RegistryError) -> String {
        if let explicit, !explicit.isEmpty { return explicit }
        if let named = environment[variable], !named.isEmpty { return named }
        var tried: [String] = []
        let folder = executable.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        if let folder {
            let installed = folder.deletingLastPathComponent().appendingPathComponent("share/eclm/migrations").path
            if holdsMigrations(installed) { return installed }
            tried.append(installed)
        }
        for start in [folder, URL(fileURLWithPath: workingDirectory)].compactMap({ $0 }) {
            tried.append("migrations in or above \(start.path)")
            var current = start.standardizedFileURL
            while true {
                let candidate = current.appendingPathComponent("migrations").path
                if holdsMigrations(candidate) { return candidate }
                let above = current.deletingLastPathComponent().standardizedFileURL
                if above.path == current.path || current.path == "/" { break }
                current = above
            }
        }
        throw RegistryError(
            .notFound, "no migrations found (\(tried.joined(separator: "; "))); name their directory with $\(variable)")
    }

    /// The running program's own file.
    public static func executablePath() -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    private static func holdsMigrations(_ path: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.contains { $0.hasPrefix("0001_") && $0.hasSuffix(".sql") }
    }
}
