import ECLMCore
import Foundation
import Testing

@Suite("An open file")
struct OpenFileTests {
    private struct Refusal: SystemFailure, Equatable {
        var action: String
        var number: Int32

        static func system(_ action: String, _ path: String, number: Int32) -> Refusal {
            Refusal(action: action, number: number)
        }
    }

    private let folder = FileManager.default.temporaryDirectory.appending(path: "eclm-open-file-\(UUID())")

    private func withFolder(_ body: (String) throws -> Void) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    @Test("writes and reads where it is told, and is cut where it is told")
    func places() throws {
        try withFolder { folder in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let file = try OpenFile<Refusal>("\(folder)/a", O_RDWR | O_CREAT | O_EXCL)
            try bytes[1_000_000...].withUnsafeBytes { try file.write($0, at: 1_000_000) }
            try bytes[..<1_000_000].withUnsafeBytes { try file.write($0, at: 0) }
            #expect(try file.byteCount() == 3_000_000)
            #expect(try file.read(10..<2_500_000) == Array(bytes[10..<2_500_000]))
            #expect(try file.read(2_999_990..<3_000_100) == Array(bytes[2_999_990...]))
            #expect(try file.read(4_000_000..<4_000_010) == [])
            var all: [UInt8] = []
            try file.readAll(upTo: 2_999_999) { all += $0 }
            #expect(all == Array(bytes.dropLast()))
            try file.truncate(to: 5)
            try file.synchronize()
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/a")) == Data(bytes[..<5]))
        }
    }

    @Test("keeps others out while it is locked, and no longer")
    func locks() throws {
        try withFolder { folder in
            let path = "\(folder)/lock"
            var holder: OpenFile<Refusal>? = try OpenFile(path, O_RDWR | O_CREAT)
            let other = try OpenFile<Refusal>(path, O_RDWR)
            #expect(try holder?.tryLock(exclusively: true) == true)
            #expect(try other.tryLock(exclusively: true) == false)
            #expect(try other.tryLock(exclusively: false) == false)
            holder = nil
            #expect(try other.tryLock(exclusively: false) == true)
            #expect(other.isStillAtPath())
            try OpenFile<Refusal>.rename(path, to: path + "2")
            try OpenFile<Refusal>.synchronizeFolder(of: path)
            #expect(!other.isStillAtPath())
            _ = try OpenFile<Refusal>(path, O_RDWR | O_CREAT)
            #expect(!other.isStillAtPath())
        }
    }

    @Test("says what the system refused, in its layer's error")
    func refusals() throws {
        try withFolder { folder in
            #expect(throws: Refusal(action: "open", number: ENOENT)) {
                try OpenFile<Refusal>("\(folder)/none", O_RDONLY)
            }
            #expect(throws: Refusal(action: "open", number: EEXIST)) {
                try OpenFile<Refusal>(folder, O_RDWR | O_CREAT | O_EXCL)
            }
            #expect(throws: Refusal(action: "rename", number: ENOENT)) {
                try OpenFile<Refusal>.rename("\(folder)/none", to: "\(folder)/b")
            }
            let file = try OpenFile<Refusal>("\(folder)/a", O_RDONLY | O_CREAT, mode: 0o640)
            #expect(throws: Refusal(action: "write", number: EBADF)) {
                try [UInt8](repeating: 1, count: 3).withUnsafeBytes { try file.write($0, at: 0) }
            }
            let rights = try FileManager.default.attributesOfItem(atPath: "\(folder)/a")[.posixPermissions] as? Int
            #expect(rights.map { $0 & 0o027 } == 0)
        }
    }
}
