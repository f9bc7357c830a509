import ArgumentParser
import CommandSupport
import Decomposition
import ECLMCore
import Foundation
import Registry
import RegistryPrograms

struct ModelImport: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Decomposes a trained checkpoint into modules and publishes them.",
        discussion: """
            The specification says which blocks become module layers and how many modules each gets. Blobs go \
            straight to the registry; nothing is published unless all are stored. With --verify every block is first \
            computed densely and as the sum of its modules, and the import is refused where they differ.

            Example:
              registryctl model import --checkpoint model.safetensors --spec minilm.json --verify
            """)

    @Option(name: .long, help: ArgumentHelp("The trained weights.", valueName: "file.safetensors"))
    var checkpoint: String
    @Option(name: .long, help: ArgumentHelp("The decomposition's specification.", valueName: "file.json"))
    var spec: String
    @Option(name: .long, help: ArgumentHelp("The model's name; else the specification's.", valueName: "name"))
    var model: String?
    @OptionGroup var target: PublicationOptions
    @Flag(name: .long, help: "Check that the modules sum to the dense blocks before anything is stored.")
    var verify = false
    @Option(
        name: .long,
        help: ArgumentHelp("The difference that --verify allows, relative to the largest output.", valueName: "number"))
    var tolerance: Float = 1e-4
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard tolerance.isFinite, tolerance > 0 else { throw ValidationError("--tolerance is a number above 0") }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let json = try InputFile.read(spec, what: "specification", limit: 1 << 20)
        var specification = try DecompositionSpecification(json: Array(json))
        if let model { specification.model = model }
        let decomposer = Decomposer(specification)
        let file = try SafetensorsFile(path: checkpoint)
        try decomposer.check(file)
        let verification = verify ? try verified(decomposer, file) : nil

        let bar = output.progress("Storing modules of \(specification.model)")
        defer { bar.finish() }
        bar.expect(file.tensors.reduce(0) { $0 + Int64($1.byteCount) })
        let sink = RegistryBlobSink(blobs: session.blobs, bar: bar)
        let manifest = try await decomposer.decompose(file, into: sink)
        bar.finish()
        let result = try await session.registry.publish(
            manifest, channel: target.channelToMove, as: database.provenance(reason: target.reason))
        let stored = await sink.stored
        try target.report(
            PublicationDocument(
                release: ReleaseDocument(result.release), newVersions: result.newVersions,
                keptVersions: result.keptVersions, blobsStored: stored.blobs, bytesStored: stored.bytes,
                verification: verification),
            output)
    }

    private func verified(_ decomposer: Decomposer, _ file: SafetensorsFile) throws -> [VerificationDocument] {
        let results = try decomposer.verify(file)
        let documents = results.map {
            VerificationDocument(
                layer: $0.layer, modules: $0.modules, maximumDifference: $0.maximumDifference,
                maximumOutput: $0.maximumOutput)
        }
        if let wrong = results.first(where: { !$0.holds(within: tolerance) }) {
            throw CommandFailure(
                .verificationFailed,
                "the modules of layer \(wrong.layer) do not sum to the block: they differ by \(wrong.maximumDifference) "
                    + "where outputs reach \(wrong.maximumOutput)",
                hint: "look at the layer's activation and tensors in the specification; nothing was stored",
                details: documents)
        }
        return documents
    }
}

/// Stores the decomposition's blobs in the registry.
actor RegistryBlobSink: BlobSink {
    private let blobs: BlobStore
    private let bar: ProgressBar
    private(set) var stored: (blobs: Int, bytes: Int64) = (0, 0)

    init(blobs: BlobStore, bar: ProgressBar) {
        self.blobs = blobs
        self.bar = bar
    }

    func put(_ bytes: [UInt8], digest: Digest) async throws {
        if try await blobs.stat([digest])[digest] == nil {
            stored = (stored.blobs + 1, stored.bytes + Int64(bytes.count))
        }
        // Also where the blob exists: storing it again renews its grace period before it is referred to.
        try await blobs.put(bytes, digest: digest)
        bar.advance(Int64(bytes.count))
    }
}
