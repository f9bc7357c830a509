import ArgumentParser
import CommandSupport
import ECLMCore
import Foundation
import Registry
import RegistryPrograms

struct ReleasePublish: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publishes the modules of a manifest as a new release.",
        discussion: """
            Blobs that the registry lacks are stored first; then versions, release and channel move in one \
            transaction. Modules the manifest leaves out keep their version, equal content makes no new version: \
            publishing twice changes nothing.

            Example:
              registryctl release publish --manifest out/manifest.json --blobs out/blobs --reason "first import"
            """)

    @Option(name: .long, help: ArgumentHelp("The manifest.", valueName: "file"))
    var manifest: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The folder with the blobs, DIGEST.safetensors each; else `blobs` beside the manifest.",
            valueName: "directory"))
    var blobs: String?
    @OptionGroup var target: PublicationOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let document: ModelManifest = try InputFile.json(manifest, what: "manifest")
        let folder =
            blobs ?? URL(fileURLWithPath: manifest).deletingLastPathComponent().appendingPathComponent("blobs").path
        var upload = BlobUploader(session: session, bar: output.progress("Storing blobs"))
        defer { upload.bar.finish() }
        try await upload.storeMissing(of: document, from: folder)
        upload.bar.finish()
        let result = try await session.registry.publish(
            document, channel: target.channelToMove, as: database.provenance(reason: target.reason))
        try target.report(
            PublicationDocument(
                release: ReleaseDocument(result.release), newVersions: result.newVersions,
                keptVersions: result.keptVersions, blobsStored: upload.blobsStored, bytesStored: upload.bytesStored),
            output)
    }
}
