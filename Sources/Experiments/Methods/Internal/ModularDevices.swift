import ECLMCore
import Learning

/// What devices do in our method, each with its cloud.
struct ModularDevices {
    let fleet: Fleet
    let cloud: any Cloud
    let variant: ModularVariant
    /// The size of the published model in bytes, which budgets are shares of.
    let fullModel: Int64
    let training: DeviceTraining

    init(fleet: Fleet, cloud: any Cloud, variant: ModularVariant, fullModel: Int64) {
        self.fleet = fleet
        self.cloud = cloud
        self.variant = variant
        self.fullModel = fullModel
        training = DeviceTraining(fleet: fleet)
    }

    /// A sub-model that a device has fetched.
    struct SubModel {
        var network: ModularNetwork
        var composition: CloudComposition
        var importances: [[Double]]
        var files: [ModuleSlot: [UInt8]]
    }

    /// Scores the device's data, composes within its budget, and fetches what it does not hold.
    func pull(_ device: FleetDevice) async throws -> SubModel {
        let selector = try await cloud.selector(for: device.id)
        let importances = try self.importances(of: device, by: selector)
        let composition = try await compose(device, importances)
        let files = try await cloud.fetch(composition, for: device.id)
        return SubModel(
            network: try network(composition) { files[$0] }, composition: composition, importances: importances,
            files: files)
    }

    /// A device's part in a round: pull, train, submit.
    ///
    /// - Returns: Optimiser steps; 0 when training diverged, and then nothing was submitted.
    func takePart(_ device: FleetDevice, _ settings: LocalSettings, round: Int) async throws -> Int {
        let subModel = try await pull(device)
        guard
            let steps = try training.train(
                subModel.network, on: device, settings, seed: fleet.seed(.roundTraining, device.index, round))
        else { return 0 }
        try await submit(subModel, of: device)
        return steps
    }

    /// Sends what a device has trained: all but the selector.
    func submit(_ subModel: SubModel, of device: FleetDevice) async throws {
        let network = subModel.network
        var trained: [ModuleSlot: [UInt8]] = [:]
        for slot in network.slots where slot.kind != .selector {
            trained[slot] = try network.blob(of: slot, dtype: variant.dtype)
        }
        try await cloud.submit(
            CloudUpdate(
                device: device.id, composition: subModel.composition, trained: trained,
                importances: subModel.importances, sampleCount: device.train.count))
    }

    /// The sub-model that the device would get now; nothing counts.
    func preview(for device: FleetDevice) async throws -> ModularNetwork {
        let importances = try self.importances(of: device, by: try await cloud.file(of: .selector))
        let composition = try await compose(device, importances, isTrial: true)
        var files: [ModuleSlot: [UInt8]] = [:]
        for slot in composition.digests.keys { files[slot] = try await cloud.file(of: slot) }
        return try network(composition) { files[$0] }
    }

    /// Bytes that bringing the current release to every device would take.
    func deliveryBytes() async throws -> Int64 {
        let selector = try await cloud.file(of: .selector)
        var sum: Int64 = 0
        for device in fleet.devices {
            sum += try await compose(device, importances(of: device, by: selector), isTrial: true).fetchBytes
        }
        return sum
    }

    private func compose(
        _ device: FleetDevice, _ importances: [[Double]], isTrial: Bool = false
    ) async throws -> CloudComposition {
        try await cloud.compose(
            CloudRequest(
                device: device.id, importances: wanted(importances, device),
                budget: Budget(fetchBytes: CostTable.cap(share: device.budgetShare, of: fullModel)), isTrial: isTrial))
    }

    /// What the device asks for: its importances, or random numbers of its own.
    private func wanted(_ importances: [[Double]], _ device: FleetDevice) -> [[Double]] {
        guard variant == .randomModules else { return importances }
        var generator = fleet.random(.randomModules, device.index)
        return importances.map { $0.map { _ in 0.5 + generator.uniform() } }
    }

    private func importances(of device: FleetDevice, by file: [UInt8]) throws -> [[Double]] {
        try ImportanceScoring.importances(of: device.train, by: Selector(fromBlob: file))
    }

    private func network(
        _ composition: CloudComposition, file: (ModuleSlot) -> [UInt8]?
    ) throws -> ModularNetwork {
        try ModularNetwork(fleet.network, modules: composition.modules, gating: .selector) { slot in
            guard let bytes = file(slot) else {
                throw ExperimentError(.inconsistent, "the composition lacks the file of \(slot.defaultName)")
            }
            return try ModuleTensors(safetensors: bytes)
        }
    }
}
