import Foundation

/// Where the programs lie that belong to the one that runs now.
public enum ProgramFolder {
    /// The folder of the program that runs now: what belongs to it is installed beside it.
    ///
    /// Neither the working directory nor `PATH` is asked: what happens to lie there must not be run.
    /// - Throws: ``DevelopmentError`` with `missingProgram` where the system does not tell.
    public static func own() throws(DevelopmentError) -> String {
        do {
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return URL(fileURLWithPath: program).deletingLastPathComponent().path
        } catch {
            throw DevelopmentError(
                .missingProgram, "/proc/self/exe cannot be read, so the programs beside this one are not found",
                cause: error)
        }
    }
}
