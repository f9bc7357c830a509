import ECLMCore
import Foundation
import Learning
import Testing

@testable import Experiments

@Suite("Methods on a small fleet")
struct MethodTests {
    @Test("A dense net of a share fits it, and grows with it")
    func denseNetsFit() throws {
        let costs = try SmallFleet.costs()
        var last = 0
        for share in [0.45, 0.6, 0.75, 1] {
            let counts = try costs.denseCounts(share: share)
            #expect(costs.bytes(of: costs.denseSlots(counts)) <= costs.cap(share: share))
            #expect(counts.reduce(0, +) >= last)
            last = counts.reduce(0, +)
        }
        #expect(try costs.denseCounts(share: 1) == [6, 4])
    }

    @Test("A share too small for one module a layer is an error that says what would do")
    func tooSmallShare() throws {
        let costs = try SmallFleet.costs()
        do {
            _ = try costs.denseCounts(share: 0.01)
            Issue.record("0.01 of the model should be too small")
        } catch let error as ExperimentError {
            #expect(error.code == .budget)
            let advice = error.message.components(separatedBy: "raise its share to ").last.flatMap(Double.init)
            #expect(try costs.denseCounts(share: #require(advice)).allSatisfy { $0 >= 1 })
        }
    }

    @Test("Every method beats chance, measures all devices, and counts its bytes")
    func everyMethodWorks() async throws {
        let fleet = try SmallFleet.fleet()
        for method in MethodCatalogue.methods(for: MethodCode.known) {
            let results = try await method.run(on: fleet, SmallFleet.hyperparameters)
            #expect(Set(results.keys) == Set(method.codes))
            for (code, run) in results {
                #expect(run.deviceAccuracies.count == 3, "\(code)")
                #expect(run.deviceAccuracies.mean > 0.35, "\(code) reaches \(run.deviceAccuracies.mean)")
                #expect(run.bytesDown > 0, "\(code)")
                #expect(zip(run.curve, run.curve.dropFirst()).allSatisfy { $0.bytesUp <= $1.bytesUp }, "\(code)")
            }
        }
    }

    @Test("FedAvg's bytes are the full net up and down for each participant, and once to each device")
    func fedAvgBytes() async throws {
        let fleet = try SmallFleet.fleet()
        let size = Int(fleet.costs.bytes(of: fleet.costs.denseSlots([6, 4])))
        let run = try #require(
            try await FederatedAveraging().run(on: fleet, SmallFleet.hyperparameters)[.fedAvg])
        #expect(run.bytesUp == 2 * 2 * size)
        #expect(run.bytesDown == 2 * 2 * size + 3 * size)
        #expect(run.curve.map(\.round) == [0, 1, 2])
        #expect(run.curve[0].bytesDown == 3 * size)
    }

    @Test("One round of FedAvg is the hand-made mean of what its participants trained")
    func fedAvgByHand() async throws {
        var fleet = try SmallFleet.fleet([1, 1])
        fleet.federation.rounds = 1
        let start = try fleet.artifacts[.dense([6, 4])]
        var expected = WeightAverage()
        for device in fleet.participants(round: 1) {
            let network = try start.network(fleet.network, gating: .unit(1))
            var options = TrainingOptions()
            options.parts = { $0 != .selector }
            try train(
                network, on: device.train, settings: SmallFleet.hyperparameters.round.training(batch: 8),
                seed: fleet.seed(.roundTraining, device.index, 1), options: options)
            try expected.add(NetworkWeights(of: network), weight: Double(device.train.count))
        }
        let mean = try expected.mean(over: start).network(fleet.network, gating: .unit(1))
        let run = try #require(
            try await FederatedAveraging().run(on: fleet, SmallFleet.hyperparameters)[.fedAvg])
        #expect(try run.deviceAccuracies == fleet.devices.map { try evaluate(mean, on: $0.test).accuracy })
    }

    @Test("Slices that all are whole make HeteroFL's round a plain mean")
    func heteroFLOfEqualSlices() throws {
        let fleet = try SmallFleet.fleet([1, 1])
        var federation = try HeteroFLFederation(fleet: fleet, masksLogits: false)
        let start = federation.global
        var expected = WeightAverage()
        for device in fleet.participants(round: 1) {
            let network = try start.network(fleet.network, gating: .unit(1))
            _ = try DeviceTraining(fleet: fleet).train(
                network, on: device, SmallFleet.hyperparameters.round,
                seed: fleet.seed(.roundTraining, device.index, 1),
                forward: HeteroFLFederation.trainingOptions(share: 1))
            try expected.add(NetworkWeights(of: network), weight: 1)
        }
        try federation.run(round: 1, SmallFleet.hyperparameters.round)
        #expect(try federation.global.tensors == expected.mean(over: start).tensors)
    }

    @Test("Ours never exceeds a budget, in half precision a share of the smaller model")
    func oursFits() async throws {
        let fleet = try SmallFleet.fleet()
        for variant in [ModularVariant.whole, .halfPrecision] {
            let cloud = try InProcessCloud()
            let prototype = try fleet.cloudPrototype(of: variant)
            _ = try await cloud.publish(prototype)
            let devices = ModularDevices(fleet: fleet, cloud: cloud, variant: variant, fullModel: prototype.bytes)
            for device in fleet.devices {
                await cloud.join(device.id)
                let subModel = try await devices.pull(device)
                #expect(subModel.composition.bytes <= CostTable.cap(share: device.budgetShare, of: prototype.bytes))
                #expect(subModel.network.modules.allSatisfy { !$0.isEmpty })
            }
            #expect((prototype.bytes == fleet.costs.full) == (variant == .whole))
            #expect(prototype.bytes <= fleet.costs.full)
        }
    }

    @Test("The same seed gives the same results, times aside")
    func isDeterministic() async throws {
        for method in [ModularMethod(variant: .whole) as any AdaptationMethod, HeteroFL(masksLogits: true)] {
            var runs: [[MethodCode: RunResult]] = []
            for _ in 0..<2 {
                let results = try await method.run(on: SmallFleet.fleet(), SmallFleet.hyperparameters)
                runs.append(
                    results.mapValues { run in
                        var run = run
                        run.secondsPerBatch = nil
                        return run
                    })
            }
            #expect(runs[0] == runs[1])
        }
    }

    @Test("Local training that diverges leaves the device what it had")
    func divergenceIsHarmless() throws {
        let fleet = try SmallFleet.fleet()
        let network = try fleet.artifacts[.dense([6, 4])].network(fleet.network, gating: .unit(1))
        let before = try NetworkWeights(of: network)
        let steps = try DeviceTraining(fleet: fleet).train(
            network, on: fleet.devices[0],
            LocalSettings(epochs: 30, rate: .greatestFiniteMagnitude, optimization: .sgd),
            seed: 1)
        #expect(steps == nil)
        #expect(try NetworkWeights(of: network).tensors == before.tensors)
    }
}
