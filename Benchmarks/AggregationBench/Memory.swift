import Foundation

/// The process's resident memory, as Linux counts it.
enum Memory {
    /// Begins to look for the peak anew.
    ///
    /// - Returns: Bytes resident now.
    static func resetPeak() -> Int {
        if let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") {
            try? file.write(contentsOf: Data("5".utf8))
            try? file.close()
        }
        return status("VmRSS:")
    }

    /// The most bytes that were resident since.
    static func peak() -> Int { status("VmHWM:") }

    private static func status(_ name: String) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { return 0 }
        return kibibytes * 1024
    }
}
