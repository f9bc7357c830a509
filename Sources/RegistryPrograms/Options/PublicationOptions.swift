public import ArgumentParser
public import CommandSupport
import ECLMCore

/// What the commands that publish have in common.
public struct PublicationOptions: ParsableArguments {
    /// The channel that will point to the release.
    @Option(name: .long, help: ArgumentHelp("The channel to point to the release.", valueName: "name"))
    public var channel = "stable"
    /// Whether the channel stays.
    @Flag(name: .long, help: "Make the release without moving a channel.")
    public var noChannel = false
    /// Why.
    @Option(name: .long, help: ArgumentHelp("Why; recorded with the release.", valueName: "text"))
    public var reason = ""

    /// The options at their defaults.
    public init() {}

    /// The channel to move; `nil` for none.
    public var channelToMove: String? { noChannel ? nil : channel }

    /// Prints what a publication did.
    ///
    /// - Throws: What encoding throws.
    public func report(_ document: PublicationDocument, _ output: CommandOutput) throws {
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
