import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct CollectGarbage: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Deletes blobs that nothing refers to and uploads that nobody goes on with.",
        discussion: """
            Only bytes go: versions, releases and everything else in the registry's history stay. Connect as the owner \
            of the schema; servers may go on meanwhile.

            Example:
              registryctl gc --grace 14d
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("Keep blobs that somebody asked to store within this time.", valueName: "time"))
    var grace = TimeSpan(BlobStore.garbageGrace)
    @Option(
        name: .long,
        help: ArgumentHelp("Keep uploads to which something was added within this time.", valueName: "time"))
    var uploadExpiry = TimeSpan(BlobStore.uploadExpiry)
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    struct Document: Encodable {
        var uploads: Int
        var blobs: Int
        var bytes: Int64
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let uploads = try await session.blobs.sweepUploads(olderThan: uploadExpiry.duration)
        let collected = try await session.blobs.collectGarbage(grace: grace.duration)
        let document = Document(uploads: uploads, blobs: collected.blobs, bytes: collected.bytes)
        try output.result(document) { _ in
            "Deleted \(document.blobs) blobs (\(ByteSize(document.bytes))) and \(document.uploads) abandoned uploads.\n"
        }
    }
}
