import ArgumentParser
import CommandSupport
import Datasets
import ECLMCore

struct DataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "The data sets, split over a cloud and its devices.",
        discussion: """
            Example:
              eclm data list --task har
            """,
        subcommands: [Export.self, List.self])

    /// Which task, as the experiments make it.
    struct TaskOptions: ParsableArguments {
        @Option(name: .long, help: "The data set: \(Dataset.allCases.map(\.rawValue).joined(separator: ", ")).")
        var task: Dataset

        @Option(name: .long, help: ArgumentHelp("Classes a device; for images and speech.", valueName: "m"))
        var classes: Int?

        @Option(name: .long, help: "How many devices; default: all that the data carries, at most 100.")
        var devices: Int?

        @Option(name: .long, help: "The seed of the split.")
        var seed: UInt64 = 1

        @Option(name: .long, help: ArgumentHelp("Where the data sets are.", valueName: "directory"))
        var data: String = "data"

        func validate() throws {
            if task == .har, classes != nil { throw ValidationError("har has one user a device; leave --classes out") }
            if task != .har, classes == nil { throw ValidationError("\(task.rawValue) needs --classes, such as 2") }
        }

        func make() throws -> FederatedTask {
            try FederatedTask.make(
                TaskSettings(
                    dataset: task, skew: classes.map(Skew.classes) ?? .user, devices: devices, seed: seed),
                directory: data)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write one device's data to a file that `adapt --data` reads.",
            discussion: """
                A step above 0 writes what the device has after that many steps of the continuous run, each of which \
                replaces half of its data. The examples are in the order of the data set, oldest first.

                Examples:
                  eclm data list --task har
                  eclm data export --task har --device user-07 --out user-07.safetensors
                  eclm data export --task images --classes 2 --device device-003 --step 4 --test --out test.safetensors

                \(ExitStatus.help)
                """)

        @OptionGroup var options: TaskOptions

        @Option(name: .long, help: "The device, as `eclm data list` names it.")
        var device: String

        @Option(name: .long, help: "The step of the continuous run.")
        var step: Int = 0

        @Flag(name: .long, help: "Write the device's test data, not its training data.")
        var test = false

        @Option(name: .long, help: ArgumentHelp("The file to write.", valueName: "file"))
        var out: String

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            guard (0...1_000_000).contains(step) else { throw ValidationError("--step takes 0 to 1000000") }
        }

        func run() async throws {
            try await runCommand(global) { output in
                let task = try options.make()
                guard let device = task.devices.first(where: { $0.id == self.device }) else {
                    throw CommandFailure(
                        .notFound, "\(task.name) has no device \(self.device)",
                        hint: "its devices are \(task.devices[0].id) to \(task.devices[task.devices.count - 1].id)")
                }
                let data = device.recording(step: step)
                let examples = test ? data.test : data.train
                try examples.write(file: out)
                let report = Report(
                    device: device.id, step: step, examples: examples.count, shape: examples.shape,
                    classes: Set(examples.labels).sorted(), file: out)
                try output.result(report) { _ in
                    "\(report.examples) examples of \(report.device) in \(report.file), classes "
                        + report.classes.map { task.classNames[$0] }.joined(separator: ", ") + "\n"
                }
            }
        }

        private struct Report: Encodable {
            var device: String
            var step: Int
            var examples: Int
            var shape: [Int]
            var classes: [Int]
            var file: String
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a task's devices.",
            discussion: """
                Example:
                  eclm data list --task speech --classes 3

                \(ExitStatus.help)
                """)

        @OptionGroup var options: TaskOptions
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await runCommand(global) { output in
                let task = try options.make()
                let devices = task.devices.map {
                    Item(
                        device: $0.id, budgetShare: $0.budgetShare, examples: $0.sampleCount,
                        classes: $0.classes.map { task.classNames[$0] })
                }
                try output.result(devices) { _ in
                    devices.map {
                        "\($0.device)  \($0.examples) examples  budget \($0.budgetShare)  "
                            + $0.classes.joined(separator: ", ") + "\n"
                    }.joined()
                }
            }
        }

        private struct Item: Encodable {
            var device: String
            var budgetShare: Double
            var examples: Int
            var classes: [String]
        }
    }
}
