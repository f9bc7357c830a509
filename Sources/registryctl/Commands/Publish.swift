import ArgumentParser
import CommandSupport
import Core
import Foundation
import Registry

struct Publish: RegistryCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publishes the modules of a manifest as a new release.",
        discussion: """
            Blobs that the registry lacks are stored first; then versions, release and channel move in one \
            transaction. Modules the manifest leaves out keep their version, equal content makes no new version: \
            publishing twice changes nothing.

            Example:
              registryctl publish --manifest out/manifest.json --blobs out/blobs --reason "first import"
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

/// What publish and import have in common.
struct PublicationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The channel to point to the release.", valueName: "name"))
    var channel = "stable"
    @Flag(name: .long, help: "Make the release without moving a channel.")
    var noChannel = false
    @Option(name: .long, help: ArgumentHelp("Why; recorded with the release.", valueName: "text"))
    var reason = ""

    var channelToMove: String? { noChannel ? nil : channel }

    func report(_ document: PublicationDocument, _ output: CommandOutput) throws {
        let release = document.release
        try output.result(document) { _ in
            var fields = FieldList()
            fields.add("model", release.model)
            fields.add("release", release.release)
            fields.add("new versions", document.newVersions)
            fields.add("kept versions", document.keptVersions)
            fields.add("blobs stored", "\(document.blobsStored) (\(ByteSize(document.bytesStored)))")
            fields.add("channels", release.channels.joined(separator: " "))
            if let verification = document.verification {
                fields.add(
                    "verified",
                    "\(verification.count) blocks equal the sum of their modules; they differ by at most "
                        + "\(verification.map(\.maximumDifference).max() ?? 0) where outputs reach "
                        + "\(verification.map(\.maximumOutput).max() ?? 0)")
            }
            return fields.rendered()
        }
        if document.newVersions == 0 {
            output.remark("Everything was published before; release \(release.release) holds it.")
        }
    }
}
