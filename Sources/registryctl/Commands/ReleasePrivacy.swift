import ArgumentParser
import CommandSupport
import Registry
import RegistryPrograms

struct ReleasePrivacy: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy",
        abstract: "Lists what the releases of a model may tell of one device: epsilon and delta, newest first.",
        discussion: """
            Epsilon is that of a release and all releases before it, for the device that took part most often; rollbacks give \
            nothing back. It is unbounded once a round without privacy (policy rule private_mean) came before; "private \
            epsilon" is then that of the devices that took part in private rounds alone.

            Example:
              registryctl release privacy minilm
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(PrivacyDocument.init) {
            try await session.registry.releasePrivacy(of: model, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                .number("release"), .number("epsilon"), .number("delta"), .number("private epsilon"),
                .number("devices"), .number("private rounds"), .number("unprotected rounds"), .number("noise"),
                .number("clip norm"),
            ],
            ifEmpty: "Model \(model) has no release."
        ) { release in
            [
                "\(release.release)", release.epsilon.map(PrivacyDocument.text) ?? "unbounded",
                release.delta.map(Figure.number) ?? "", release.privateEpsilon.map(PrivacyDocument.text) ?? "",
                "\(release.devices)", "\(release.privateRounds)", "\(release.unprotectedRounds)",
                release.noiseMultiplier.map(Figure.number) ?? "", release.clipNorm.map(Figure.number) ?? "",
            ]
        }
    }
}
