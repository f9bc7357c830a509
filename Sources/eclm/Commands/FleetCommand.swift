public import ArgumentParser
import CommandSupport
import Datasets
import ECLMCore
import EdgeClient
import Experiments
import Fleets
import Foundation
import Learning

struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Play a fleet of simulated devices against a running registry: adaptation, drift, adaptation again.",
        discussion: """
            Each device is one user of the activity data with a budget of its own, an edge client with its own state \
            directory and connection, and does what adapt does. The trainer should wait for as many updates as \
            there are devices (registryctl policy set MODEL --minimum-updates N). Prints accuracies before and after, \
            and the bytes on the connections beside what FedAvg would take for the same rounds.

            Example:
              eclm prototype --task har --publish
              registryctl device-class define phone --memory 1GiB --flops 1G --dtypes F32 --operators linear
              eclm fleet --endpoint 127.0.0.1:7420 --model har-mlp --class phone --devices 8 --rounds 3

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: "Where registryd listens. Default: ECLM_ENDPOINT.")
    var endpoint: String?

    @Option(name: .long, help: "The model's name.")
    var model: String

    @Option(name: .long, help: "The channel to follow.")
    var channel: String = "stable"

    @Option(name: .customLong("class"), help: "The class that the devices register with.")
    var deviceClass: String

    @Option(name: .long, help: "How many devices.")
    var devices: Int = 8

    @Option(name: .long, help: "Rounds before the drift.")
    var rounds: Int = 3

    @Option(name: .long, help: "Rounds after the drift; 0 for no drift.")
    var roundsAfterDrift: Int = 2

    @Option(
        name: .long, help: ArgumentHelp("The step of its stream that each device's data jumps to.", valueName: "step"))
    var driftStep: Int = 4

    @Option(
        name: .long,
        help: ArgumentHelp("Devices that change hands at the drift. Default: a quarter.", valueName: "count"))
    var handOver: Int?

    @Option(name: .long, help: "Passes over the data in each adaptation.")
    var epochs: Int = 3

    @Option(name: .long, help: "The learning rate.")
    var rate: Float = 1e-3

    @Option(name: .long, help: "How updates are sent: full, delta, int8_delta or sparse_delta.")
    var encoding: UpdateEncoding = .int8Delta

    @Option(name: .long, help: "The seed of the split; the prototype's.")
    var seed: UInt64 = 1

    @Option(name: .long, help: ArgumentHelp("Where the data sets are.", valueName: "directory"))
    var dataDirectory = "data"

    @Option(name: .long, help: ArgumentHelp("Where the devices keep their state.", valueName: "directory"))
    var state = ".eclm/fleet"

    @Option(name: .long, help: ArgumentHelp("Write fleet.json and fleet.svg there.", valueName: "directory"))
    var outputDirectory: String?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard rate.isFinite, rate > 0 else { throw ValidationError("--rate takes a number above 0, not \(rate)") }
        guard (1...10_000).contains(epochs) else { throw ValidationError("--epochs takes 1 to 10000, not \(epochs)") }
    }

    func run() async throws {
        try await runCommand(global) { output in
            try TensorRuntime.setThreads(1)
            let settings = try settings()
            let bar = output.progress("adapting", counting: .count("adaptations"))
            defer { bar.finish() }
            bar.expect(Int64(devices * (rounds + roundsAfterDrift)))
            let fleet = try LiveFleet(settings, dataDirectory: dataDirectory) { event in
                switch event {
                case .adapted(let device, let round):
                    bar.relabel("round \(round), \(device)")
                    bar.advance(1)
                case .remark(let text): output.remark(text)
                }
            }
            let report = try await fleet.run()
            bar.finish()
            if let outputDirectory { try write(report, to: outputDirectory) }
            try output.result(report) { Self.text(report, width: $0) }
        }
    }

    private func settings() throws -> LiveFleetSettings {
        let variable = ProcessInfo.processInfo.environment["ECLM_ENDPOINT"]?.split(separator: ",").first.map(
            String.init)
        guard let endpoint = endpoint ?? variable else {
            throw ValidationError("no registry was named: give --endpoint host:port or set ECLM_ENDPOINT")
        }
        return LiveFleetSettings(
            endpoint: endpoint, model: model, channel: channel, deviceClass: deviceClass, directory: state,
            task: TaskSettings(dataset: .har, skew: .user, seed: seed), devices: devices, rounds: rounds,
            roundsAfterDrift: roundsAfterDrift, driftStep: driftStep, handOver: handOver ?? devices / 4,
            training: LocalTrainingSettings(
                training: try TrainingSettings(epochs: epochs, rate: rate, freezesSelector: true).validated()),
            encoding: encoding)
    }

    private func write(_ report: LiveFleetReport, to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let folder = URL(fileURLWithPath: directory)
        try Data(JSONDocument.text(report).utf8).write(to: folder.appendingPathComponent("fleet.json"))
        try Data(report.chart.utf8).write(to: folder.appendingPathComponent("fleet.svg"))
    }

    private static func text(_ report: LiveFleetReport, width: Int?) -> String {
        var table = Table([
            "device", .number("budget"), .number("memory"), .number("modules"), .number("before"), .number("adapted"),
            "drift", .number("drifted"), .number("readapted"),
        ])
        func percent(_ value: Double?) -> String { value.map { Quantity.decimal($0 * 100, places: 1) } ?? "" }
        for device in report.devices {
            let drift =
                device.drifted == nil
                ? "" : (device.changedHands ? "other user" : "own stream") + (device.toldDrift == true ? ", told" : "")
            table.add([
                device.id, "\(Quantity.decimal(device.budgetShare * 100, places: 0)) %", "\(ByteSize(device.memory))",
                "\(device.modules)", percent(device.before), percent(device.adapted), drift, percent(device.drifted),
                percent(device.readapted),
            ])
        }
        func mean(_ value: (LiveFleetReport.Device) -> Double?) -> String {
            let values = report.devices.compactMap(value)
            return values.isEmpty ? "" : percent(values.reduce(0, +) / Double(values.count))
        }
        table.add([
            "mean", "", "", "", mean(\.before), mean(\.adapted), "", mean(\.drifted), mean(\.readapted),
        ])
        var fields = FieldList()
        fields.add("rounds", "\(report.rounds.count), \(report.participations) adaptations, accuracies in %")
        fields.add(
            "bytes",
            "\(ByteSize(report.traffic.sent)) up, \(ByteSize(report.traffic.received)) down, on the connections")
        fields.add(
            "FedAvg",
            "\(ByteSize(report.federatedAveraging.sent)) up, \(ByteSize(report.federatedAveraging.received)) down, full model: "
                + "\(Quantity.decimal(report.ratio, places: 1)) times as many")
        return table.rendered(width: width) + "\n" + fields.rendered()
    }
}

extension UpdateEncoding: ExpressibleByArgument {}
