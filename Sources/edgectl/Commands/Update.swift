import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at what this device submitted.",
        discussion: """
            Example:
              edgectl update show 4711
            """,
        subcommands: [Show.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what became of an update.",
            discussion: """
                Example:
                  edgectl update show 4711

                \(ExitStatus.help)
                """)

        @Argument(help: "The update's number, as submit printed it.")
        var id: Int64

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await runCommand(global) { output in
                let update = try await connection.withClient { try await $0.update(UpdateID(id)) }
                let report = Report(update)
                try output.result(report) { _ in report.text }
            }
        }

        private struct Report: Encodable {
            var updateId: Int64
            var deviceId: String
            var model: String
            var baseRelease: Int32
            var status: UpdateStatus
            var quarantineReason: String?
            var round: Int32?
            var release: Int32?
            var sampleCount: Int64
            var modules: Int32
            var submittedAt: Timestamp
            var decidedAt: Timestamp?

            init(_ update: UpdateFate) {
                updateId = update.id.rawValue
                deviceId = update.deviceID
                model = update.model
                baseRelease = update.baseRelease
                status = update.status
                quarantineReason = update.quarantineReason
                round = update.round
                release = update.release
                sampleCount = update.sampleCount
                modules = update.modules
                submittedAt = Timestamp(microseconds: update.submittedAtMicroseconds)
                decidedAt = update.decidedAtMicroseconds.map(Timestamp.init(microseconds:))
            }

            var text: String {
                var fields = FieldList()
                fields.add("update", "\(updateId) of \(deviceId)")
                fields.add("model", "\(model), from release \(baseRelease)")
                fields.add("status", status.rawValue)
                fields.add("reason", quarantineReason)
                fields.add("round", round)
                fields.add("release", release)
                fields.add("modules", modules)
                fields.add("samples", sampleCount)
                fields.add("submitted", submittedAt.brief)
                fields.add("decided", decidedAt?.brief)
                return fields.rendered()
            }
        }
    }
}
