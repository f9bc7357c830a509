import Foundation
import PostgreSQL

/// A disk of a few megabytes, so that a test can fill it.
///
/// It is a memory file system mounted for the test, which takes the right to mount: root outside of most containers.
public struct TestDisk: Sendable {
    /// The directory; it belongs to the cluster's owner.
    public let path: String

    /// Whether a disk can be mounted here; tried once.
    public static let isAvailable: Bool = {
        guard geteuid() == 0, ProcessInfo.processInfo.environment["PGHOST"] != nil, let disk = try? mount(megabytes: 1)
        else { return false }
        disk.unmount()
        return true
    }()

    /// What a skipped test says.
    public static let requirement: String = "needs root and the right to mount a small file system"

    /// Runs `body` with a table space on a disk of its own; what was put there must be dropped in `body`.
    public static func withTableSpace<R>(
        megabytes: Int, _ body: (_ tableSpace: String, TestDisk) async throws -> R
    ) async throws -> R {
        let disk = try mount(megabytes: megabytes)
        let name = "eclm_disk_\(UUID().uuidString.prefix(8).lowercased())"
        do {
            try await TestCluster.withMaintenance { connection in
                _ = try await connection.query(
                    "CREATE TABLESPACE \(identifier: name) LOCATION '\(raw: disk.path)/space'")
            }
            let result = try await body(name, disk)
            await drop(name, disk)
            return result
        } catch {
            await drop(name, disk)
            throw error
        }
    }

    private static func drop(_ tableSpace: String, _ disk: TestDisk) async {
        _ = try? await TestCluster.withMaintenance { connection in
            try await connection.query("DROP TABLESPACE IF EXISTS \(identifier: tableSpace)")
        }
        disk.unmount()
    }

    private static func mount(megabytes: Int) throws -> TestDisk {
        // Beside the cluster's socket, whose owner is the cluster's.
        let cluster = ProcessInfo.processInfo.environment["PGHOST"] ?? "/tmp"
        let disk = TestDisk(path: "\(cluster)/disk-\(UUID().uuidString.prefix(8).lowercased())")
        try FileManager.default.createDirectory(atPath: disk.path, withIntermediateDirectories: true)
        guard run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=755", "tmpfs", disk.path) else {
            try? FileManager.default.removeItem(atPath: disk.path)
            throw TestDiskError()
        }
        let space = disk.path + "/space"
        try FileManager.default.createDirectory(atPath: space, withIntermediateDirectories: false)
        guard run("chown", "--reference=\(cluster)", space) else {
            disk.unmount()
            throw TestDiskError()
        }
        return disk
    }

    private func unmount() {
        _ = Self.run("umount", path)
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

struct TestDiskError: Error, CustomStringConvertible {
    var description: String { TestDisk.requirement }
}
