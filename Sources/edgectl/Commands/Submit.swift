import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct Submit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Submit what this device learned.",
        discussion: """
            Takes MODULE.safetensors files with the tensors of the pulled versions, checks them here, and sends those that \
            changed. Safe to repeat: uploads go on where they stopped, and the same trained weights are the same update, in \
            whatever encoding they are sent again.

            Example:
              edgectl submit --sub-model ~/.local/state/eclm/sub-models/vision --weights trained/ \\
                --samples 120 --metric accuracy=0.91

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: ArgumentHelp("The pulled sub-model that was trained.", valueName: "directory"))
    var subModel: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The trained weights: a directory or MODULE.safetensors files; several may be given. Default: the sub-model's directory.",
            valueName: "path"))
    var weights: [String] = []

    @Option(name: .long, help: ArgumentHelp("How many samples it was trained on.", valueName: "count"))
    var samples: Int64

    @Option(name: .long, help: ArgumentHelp("What was measured; several may be given.", valueName: "name=value"))
    var metric: [NamedValue] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The importances over the data trained on. Default: those the sub-model was composed with.",
            valueName: "file"))
    var importances: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How to send the weights: full, delta, int8_delta or sparse_delta. What the last two leave out is sent with later submissions.",
            valueName: "encoding"))
    var encoding: UpdateEncoding = .full

    @Option(
        name: .long,
        help: ArgumentHelp("With sparse_delta, the part of each module's weights to send.", valueName: "part"))
    var fraction: Double = UpdateEncoder.defaultFraction

    @Option(name: .long, help: "Name the submission; the same key is the same update. Default: made from the content.")
    var idempotencyKey: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard samples >= 1 else { throw ValidationError("--samples takes at least 1, not \(samples)") }
        guard fraction > 0, fraction <= 1 else {
            throw ValidationError("--fraction takes a number above 0 and at most 1, not \(fraction)")
        }
        if let idempotencyKey, !(1...128).contains(idempotencyKey.count) {
            throw ValidationError("--idempotency-key takes 1 to 128 characters")
        }
    }

    func run() async throws {
        try await runCommand(global) { output in
            let submission = try submission()
            let bar = output.progress("submitting")
            defer { bar.finish() }
            let result = try await connection.withClient { client in
                try await client.submit(submission) { bar.show($0) }
            }
            bar.finish()
            let report = Report(result)
            try output.result(report) { _ in report.text }
        }
    }

    private func submission() throws -> Submission {
        let metrics = try NamedValue.numbers(metric)
        let isFile = weights.allSatisfy { $0.hasSuffix(".safetensors") }
        guard isFile || weights.count == 1 else {
            throw ValidationError("--weights takes one directory, or MODULE.safetensors files")
        }
        let place: Submission.Weights? = weights.isEmpty ? nil : isFile ? .files(weights) : .directory(weights[0])
        return Submission(
            subModelDirectory: subModel, weights: place, sampleCount: samples, metrics: metrics,
            importances: try ImportancesFile.read(importances), idempotencyKey: idempotencyKey, encoding: encoding,
            fraction: fraction)
    }

    private struct Report: Encodable {
        var updateId: Int64
        var replayed: Bool
        var encodedOtherwise: Bool
        var status: UpdateStatus
        var idempotencyKey: String
        var modules: [String]
        var unchanged: [String]
        var encoding: String
        var uploadedBytes: Int64
        var bytesSent: Int64
        var bytesReceived: Int64

        init(_ result: SubmitResult) {
            updateId = result.updateID.rawValue
            replayed = result.isReplay
            encodedOtherwise = result.isEncodedOtherwise
            status = result.status
            idempotencyKey = result.idempotencyKey
            modules = result.modules
            unchanged = result.unchanged
            encoding = result.encoding.rawValue
            uploadedBytes = result.uploadedBytes
            bytesSent = result.traffic.sent
            bytesReceived = result.traffic.received
        }

        var text: String {
            var fields = FieldList()
            fields.add(
                "update",
                replayed
                    ? "\(updateId), submitted before\(encodedOtherwise ? " in another encoding" : "")" : "\(updateId)")
            fields.add("status", status.rawValue)
            fields.add(
                "modules", "\(modules.count)" + (unchanged.isEmpty ? "" : ", \(unchanged.count) unchanged left out"))
            fields.add(
                "uploaded",
                "\(ByteSize(uploadedBytes)) of weights\(encoding == "full" ? "" : " as \(encoding)"); on the connection \(ByteSize(bytesSent)) sent"
            )
            fields.add("key", idempotencyKey)
            return fields.rendered()
        }
    }
}
