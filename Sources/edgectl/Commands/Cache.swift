import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct Cache: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after the blobs this device holds.",
        discussion: """
            Example:
              edgectl cache verify
            """,
        subcommands: [List.self, Verify.self, Prune.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the blobs, and which sub-models use them.",
            discussion: """
                Example:
                  edgectl cache list

                \(ExitStatus.help)
                """)

        @OptionGroup var state: StateOptions
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await runCommand(global) { output in
                let client = try state.offlineClient()
                let contents = try client.cache.contents()
                var users: [Digest: Set<String>] = [:]
                for subModel in try client.state.subModels() {
                    for module in subModel.manifest.modules {
                        users[module.digest, default: []].insert("\(subModel.manifest.model)/\(module.module)")
                    }
                }
                let report = Report(contents, users)
                try output.result(report, table: report.table, ifEmpty: "the cache is empty")
            }
        }

        private struct Report: Encodable {
            struct Blob: Encodable {
                var digest: Digest
                var bytes: Int64
                var complete: Bool
                var usedBy: [String]
            }
            var blobs: [Blob]
            var totals: CacheReport

            init(_ contents: BlobCache.Contents, _ users: [Digest: Set<String>]) {
                blobs = contents.entries.map { entry in
                    Blob(
                        digest: entry.digest, bytes: entry.bytes, complete: true,
                        usedBy: users[entry.digest, default: []].sorted())
                }
                blobs += contents.partials.map { Blob(digest: $0.digest, bytes: $0.bytes, complete: false, usedBy: []) }
                totals = CacheReport(contents)
            }

            var table: Table {
                var table = Table(["digest", .number("size"), "state", "used by"])
                for blob in blobs {
                    table.add([
                        blob.digest.short, "\(ByteSize(blob.bytes))", blob.complete ? "complete" : "partial",
                        blob.usedBy.isEmpty ? "-" : blob.usedBy.joined(separator: ", "),
                    ])
                }
                return table
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every blob against its digest, and every file of the sub-models.",
            discussion: """
                Damaged blobs are removed, and fetched again by the next pull. Exits with status 7 when anything is not as \
                it was pulled.

                Example:
                  edgectl cache verify && echo intact

                \(ExitStatus.help)
                """)

        @OptionGroup var state: StateOptions
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await runCommand(global) { output in
                let client = try state.offlineClient()
                let bar = output.progress("verifying")
                defer { bar.finish() }
                bar.expect(try client.cache.contents().bytes)
                let found = try await client.verifyCache { bar.advance($0) }
                bar.finish()
                guard found.isIntact else {
                    let names = found.damagedBlobs.map(\.digest.description) + found.damagedFiles
                    throw CommandFailure(
                        .verificationFailed,
                        "\(found.damagedBlobs.count) of \(found.blobs) blobs and \(found.damagedFiles.count) of "
                            + "\(found.files) files are damaged: \(names.prefix(8).joined(separator: ", "))",
                        hint: "the damaged blobs were removed; pull again to fetch them",
                        details: Report(found))
                }
                try output.result(Report(found)) { _ in
                    "\(found.blobs) blobs and \(found.files) files of sub-models are intact\n"
                }
            }
        }

        private struct Report: Encodable {
            var blobs: Int
            var files: Int
            var damagedBlobs: [Digest]
            var damagedFiles: [String]

            init(_ found: CacheVerification) {
                blobs = found.blobs
                files = found.files
                damagedBlobs = found.damagedBlobs.map(\.digest)
                damagedFiles = found.damagedFiles
            }
        }
    }

    struct Prune: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove the blobs that no sub-model uses, and abandoned partial downloads.",
            discussion: """
                Sub-models count wherever they lie, as long as their submodel.json is there. Waits for pulls under way.

                Example:
                  edgectl cache prune --dry-run

                \(ExitStatus.help)
                """)

        @Flag(name: .long, help: "Only tell what would be removed.")
        var dryRun = false

        @Option(name: .long, help: "Keep partial downloads changed within this many hours.")
        var partialHours: UInt32 = 24

        @OptionGroup var state: StateOptions
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await runCommand(global) { output in
                let client = try state.offlineClient()
                let removed = try await client.pruneCache(
                    partialAge: .seconds(Int64(partialHours) * 3600), isDryRun: dryRun)
                let report = Report(
                    blobs: removed.blobs.map(\.digest), partials: removed.partials.map(\.digest), bytes: removed.bytes,
                    dryRun: dryRun)
                try output.result(report) { _ in
                    "\(dryRun ? "would remove" : "removed") \(report.blobs.count) blobs and \(report.partials.count) "
                        + "partial downloads, \(ByteSize(report.bytes))\n"
                }
            }
        }

        private struct Report: Encodable {
            var blobs: [Digest]
            var partials: [Digest]
            var bytes: Int64
            var dryRun: Bool
        }
    }
}
