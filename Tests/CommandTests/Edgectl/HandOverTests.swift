import Foundation
import TestSupport
import Testing

@Suite("edgectl adapt hands over to the program beside it")
struct HandOverTests {
    /// Runs edgectl from a folder that holds nothing else of ours.
    private func edgectl(
        in folder: URL, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Program.Result {
        let copy = folder.appendingPathComponent("edgectl")
        if !FileManager.default.fileExists(atPath: copy.path) {
            try FileManager.default.copyItem(at: URL(fileURLWithPath: Program.path("edgectl")), to: copy)
        }
        return try await Program("edgectl", arguments, environment: environment, executable: copy.path).finish()
    }

    /// A program named adapt that prints what it was given, an argument a line, and ends with 7.
    private func writeAdapt(in folder: URL, mode: Int = 0o755) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("adapt")
        try Data("#!/bin/sh\nprintf '<%s>\\n' \"$@\"\necho \"$ECLM_STATE\"\nexit 7\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }

    @Test("as it is called, with its environment and exit status", arguments: [false, true])
    func handsOver(throughLink: Bool) async throws {
        try await withFolder { folder in
            try writeAdapt(in: folder)
            let arguments = ["--model", "toy", "--output=json", "--", "-x", "", "two words", "--help", "--version"]
            var program = folder
            if throughLink {
                _ = try await edgectl(in: folder, ["--version"])
                program = folder.appendingPathComponent("links")
                try FileManager.default.createDirectory(at: program, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    at: program.appendingPathComponent("edgectl"),
                    withDestinationURL: folder.appendingPathComponent("edgectl"))
            }
            let result = try await edgectl(in: program, ["adapt"] + arguments, environment: ["ECLM_STATE": "/state"])
            #expect(result.status == 7, "\(result.errors)")
            #expect(result.output == arguments.map { "<\($0)>\n" }.joined() + "/state\n")
        }
    }

    @Test("and says what to install where there is none, whatever lies on the PATH")
    func missing() async throws {
        try await withFolder { folder in
            let elsewhere = folder.appendingPathComponent("elsewhere")
            try writeAdapt(in: elsewhere)
            let environment = ["PATH": "\(elsewhere.path):/usr/bin:/bin"]
            let result = try await edgectl(in: folder, ["adapt", "--model", "toy"], environment: environment)
            #expect(result.status == 1)
            #expect(result.errors.contains("\(folder.resolvingSymlinksInPath().path)/adapt"), "\(result.errors)")
            #expect(result.errors.contains("--product adapt"))
            #expect(result.output.isEmpty)
            for json in [["--output", "json"], ["--output=json"]] {
                let failure = try await edgectl(in: folder, ["adapt", "--model", "toy"] + json)
                #expect(failure.errors.hasPrefix("{"), "\(failure.errors)")
                #expect(failure.status == 1)
            }
            let help = try await edgectl(in: folder, ["adapt", "--help"])
            #expect(help.status == 0)
            #expect(help.output.contains("edgectl adapt --model"), "\(help.output)")
        }
    }

    @Test("and says why where it cannot be run")
    func notExecutable() async throws {
        try await withFolder { folder in
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("adapt"), withIntermediateDirectories: true)
            let result = try await edgectl(in: folder, ["adapt", "--help"])
            #expect(result.status == 1)
            #expect(result.errors.contains("does not run"), "\(result.errors)")
        }
    }
}
