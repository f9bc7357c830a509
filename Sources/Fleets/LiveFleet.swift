import Adaptation
import Datasets
import ECLMCore
import EdgeClient
import Learning

/// Plays a fleet of devices against a running registry and trainer: rounds of adaptation, drift, adaptation again.
///
/// Every device is an edge client with a state directory and a connection of its own, and does what `adapt` does.
/// The trainer's policy should wait for as many updates as there are devices.
public struct LiveFleet: Sendable {
    private let settings: LiveFleetSettings
    private let task: FederatedTask
    private let report: @Sendable (Event) -> Void

    /// What happens, for whoever watches.
    public enum Event: Sendable {
        /// A device adapted in a round.
        case adapted(device: String, round: Int)
        /// Something that people should know.
        case remark(String)
    }

    /// A fleet that has not begun.
    ///
    /// - Throws: `DatasetError` where its data is not there; ``FleetError`` for settings that make no sense.
    public init(
        _ settings: LiveFleetSettings, dataDirectory: String, report: @escaping @Sendable (Event) -> Void = { _ in }
    ) throws {
        self.settings = try settings.validated()
        self.report = report
        task = try FederatedTask.make(settings.task, directory: dataDirectory)
        guard task.devices.count >= settings.devices else {
            throw FleetError(
                .inconsistent, "\(task.name) has \(task.devices.count) devices, \(settings.devices) are wanted")
        }
    }

    /// Plays it.
    ///
    /// - Throws: `EdgeError`, `LearningError`.
    public func run() async throws -> LiveFleetReport {
        var devices: [LiveFleetDevice] = []
        defer { for device in devices { device.edge.close() } }
        var model: ModelSize?
        for device in task.devices.prefix(settings.devices) {
            let edge = try await WireDevice.join(
                device.id, class: settings.deviceClass, endpoint: settings.endpoint,
                directory: "\(settings.directory)/\(device.id)")
            let size: ModelSize
            if let model { size = model } else { size = try await ModelSize(edge.client, settings) }
            model = size
            let wanted = Int64(Double(size.memory) * device.budgetShare)
            devices.append(
                try LiveFleetDevice(device, edge: edge, budget: try await budget(wanted, device.id, edge.client)))
        }
        guard let model else { throw FleetError(.inconsistent, "a fleet needs devices") }
        return try await play(&devices, model)
    }

    /// The budget, raised to what the smallest sub-model needs where that is more.
    private func budget(_ memory: Int64, _ id: String, _ client: EdgeClient) async throws -> Budget {
        do {
            _ = try await client.compose(
                PullRequest(
                    model: settings.model, source: .channel(settings.channel), budget: Budget(memory: memory)))
            return Budget(memory: memory)
        } catch let error as EdgeError where error.code == .infeasible {
            guard let least = (error.cause as? InfeasibleComposition)?.smallestBudget?.memory else {
                throw error
            }
            report(.remark("\(id) can afford \(memory) bytes, the smallest sub-model needs \(least): it gets those"))
            return Budget(memory: least)
        }
    }

    private func play(_ devices: inout [LiveFleetDevice], _ model: ModelSize) async throws -> LiveFleetReport {
        var rows = devices.enumerated().map { number, device in
            LiveFleetReport.Device(
                id: device.device.id, budgetShare: device.device.budgetShare, memory: device.budget.memory ?? 0,
                modules: 0, before: 0, adapted: 0, changedHands: number < settings.handOver)
        }
        var rounds: [LiveFleetReport.Round] = []
        for number in 1...settings.rounds {
            rounds.append(try await round(number, devices, &rows, afterDrift: false, model))
        }
        if settings.roundsAfterDrift > 0 {
            try await drift(&devices, &rows)
            for number in settings.rounds + 1...settings.rounds + settings.roundsAfterDrift {
                rounds.append(try await round(number, devices, &rows, afterDrift: true, model))
            }
        }
        let participations = devices.count * rounds.count
        return LiveFleetReport(
            model: settings.model, devices: rows, rounds: rounds, traffic: Self.traffic(of: devices),
            federatedAveraging: model.federatedAveraging(participations), participations: participations)
    }

    private func round(
        _ number: Int, _ devices: [LiveFleetDevice], _ rows: inout [LiveFleetReport.Device], afterDrift: Bool,
        _ model: ModelSize
    ) async throws -> LiveFleetReport.Round {
        var pulled = 0.0
        var adapted = 0.0
        var release: Int32 = 0
        for (position, device) in devices.enumerated() {
            let outcome = try await device.adapt(settings, seed: UInt64(number * 10_000 + position))
            release = outcome.release
            let accuracies = try await device.accuracies(settings.model)
            pulled += accuracies.pulled
            adapted += accuracies.adapted
            if number == 1 { rows[position].before = accuracies.pulled }
            if afterDrift {
                rows[position].readapted = accuracies.adapted
            } else {
                rows[position].adapted = accuracies.adapted
            }
            rows[position].modules = outcome.subsets.first?.modules.reduce(0) { $0 + $1.count } ?? 0
            report(.adapted(device: device.device.id, round: number))
        }
        let next = try await nextRelease(after: release, devices)
        let count = Double(devices.count)
        return LiveFleetReport.Round(
            number: number, release: next, afterDrift: afterDrift, pulled: pulled / count, adapted: adapted / count,
            traffic: Self.traffic(of: devices), federatedAveraging: model.federatedAveraging(devices.count * number))
    }

    private func nextRelease(after release: Int32, _ devices: [LiveFleetDevice]) async throws -> Int32 {
        guard let client = devices.first?.edge.client else { return release }
        let deadline = ContinuousClock.now + settings.roundTimeout
        while ContinuousClock.now < deadline {
            let now = try await client.waitForRelease(
                model: settings.model, channel: settings.channel, after: release, wait: .seconds(5))
            if now != release { return now }
        }
        report(
            .remark(
                "the trainer made no release of \(devices.count) updates in \(settings.roundTimeout): does trainerd run, "
                    + "and does its policy wait for as many?"))
        return release
    }

    /// Everybody's data changes: on by some steps of the own stream, or another user's.
    private func drift(_ devices: inout [LiveFleetDevice], _ rows: inout [LiveFleetReport.Device]) async throws {
        // Users that no device of the fleet has had, where there are some.
        let others = Array(task.devices.dropFirst(settings.devices)) + task.devices.prefix(settings.devices).reversed()
        for position in devices.indices {
            let own = devices[position].device
            let source = position < settings.handOver ? others[position % others.count] : own
            try devices[position].take(from: source, step: settings.driftStep)
            rows[position].toldDrift = try await devices[position].isDrifted(settings, seed: UInt64(position))
            rows[position].drifted = try await devices[position].accuracies(settings.model).adapted
        }
        let told = rows.count { $0.toldDrift == true }
        report(.remark("the data changed; \(told) of \(rows.count) devices told it by themselves"))
    }

    private static func traffic(of devices: [LiveFleetDevice]) -> Traffic {
        devices.reduce(Traffic()) { $0 + $1.edge.client.registry.traffic }
    }
}

/// What the whole model takes.
private struct ModelSize {
    /// Peak memory of all modules.
    var memory: Int64 = 0
    /// Weights that FedAvg would train: all but selector and bypasses.
    var bytes: Int64 = 0

    init(_ client: EdgeClient, _ settings: LiveFleetSettings) async throws {
        let modules = try await client.registry.modules(of: settings.model, source: .channel(settings.channel))
        for version in modules.map(\.version) {
            memory += version.costs.peakMemory
            if version.slot.kind != .selector, version.slot.kind != .bypass { bytes += version.costs.bytes }
        }
    }

    func federatedAveraging(_ participations: Int) -> Traffic {
        Traffic(sent: bytes * Int64(participations), received: bytes * Int64(participations))
    }
}
