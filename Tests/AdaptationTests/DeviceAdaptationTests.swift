import ECLMCore
import EdgeClient
import Foundation
import Learning
import Registry
import TestSupport
import Testing

@testable import Adaptation

@Suite("Adaptation on a device")
struct DeviceAdaptationTests {
    private func request(budget: Budget = .init(memory: 12_000), encoding: UpdateEncoding = .int8Delta)
        -> AdaptationRequest
    {
        AdaptationRequest(
            model: AdaptationBench.model, budget: budget,
            training: LocalTrainingSettings(
                training: TrainingSettings(epochs: 10, batch: 8, rate: 0.01, freezesSelector: true)),
            seed: 4, encoding: encoding)
    }

    private let data = Result { try AdaptationBench.data(classes: [1, 3], count: 80, seed: 7) }

    @Test("fetches the selector first, stays within the budget, learns, submits, and keeps subsets")
    func adapts() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let report = try await bench.withClient(state) { client in
                try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
            }
            #expect(report.release == 1)
            #expect(report.resumed == nil)
            #expect((report.totals.memory ?? .max) <= 12_000)
            #expect(report.importances.map(\.count) == [5, 4])
            let before = try #require(report.before)
            let after = try #require(report.after)
            #expect(after.loss < before.loss)
            #expect(after.accuracy >= before.accuracy)
            #expect(report.subsets.count > 1)
            #expect(report.subsets.allSatisfy { $0.measurement != nil })
            let update = try #require(report.update)
            #expect(update.status == .pending)
            #expect(!update.modules.contains("selector0"))
            #expect(update.modules.contains("stem0"))
            #expect(report.transfer.uploadedBytes > 0)
            #expect(report.transfer.fetchedBytes <= report.transfer.bytesReceived)

            let updates = try await bench.updates()
            #expect(updates.count == 1)
            #expect(updates.first?.sampleCount == Int64(report.trainedExamples))
            let round = try await bench.runTrainer()
            #expect(round.status == 0, "\(round.errors)")
            #expect(try await bench.updates().first?.status == .aggregated)

            // The device holds what it adapted, and can run it without the registry.
            let installed = try InstalledModel(of: AdaptationBench.model, in: StateDirectory(path: state))
            let accuracy = try await onOwnThread("training") {
                let split = try HeldOutSplit(labels: data.get().labels, share: 0.2)
                return try evaluate(installed.network(), on: data.get().subset(split.heldOut)).accuracy
            }
            #expect(accuracy == after.accuracy)
        }
    }

    @Test("an answer that is lost leads to no second update")
    func lostAnswer() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            await #expect(throws: EdgeError.self) {
                try await bench.withClient(state, faults: Faults("Submit", losesAnswer: true)) { client in
                    try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
                }
            }
            #expect(try await bench.updates().count == 1)
            let report = try await bench.withClient(state) { client in
                try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
            }
            #expect(report.resumed == .submission)
            #expect(report.update?.isReplay == true)
            #expect(try await bench.updates().count == 1)
            // The next run is another adaptation, and another update.
            let next = try await bench.withClient(state) { client in
                try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
            }
            #expect(next.resumed == nil)
            #expect(next.transfer.fetchedModules == 0)
            #expect(try await bench.updates().count == 2)
        }
    }

    @Test("what was learned from earlier data is handed in before new data is learned from")
    func earlierData() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            await #expect(throws: EdgeError.self) {
                try await bench.withClient(state, faults: Faults("Submit")) { client in
                    try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
                }
            }
            #expect(try await bench.updates().isEmpty)
            let report = try await bench.withClient(state) { client in
                try await DeviceAdaptation(client: client).adapt(
                    request(), to: AdaptationBench.data(classes: [0, 2], count: 60, seed: 8))
            }
            #expect(report.resumed == nil)
            #expect(try await bench.updates().count == 2)
        }
    }

    @Test("a broken download goes on where it stopped", arguments: ["Get", "Compose"])
    func brokenDownload(method: String) async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            await #expect(throws: EdgeError.self) {
                try await bench.withClient(state, faults: Faults(method, after: method == "Get" ? 3 : 0)) { client in
                    try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
                }
            }
            #expect(try await bench.updates().isEmpty)
            let whole = try await bench.withClient(bench.device("d2")) { client in
                try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
            }
            let rest = try await bench.withClient(state) { client in
                try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
            }
            #expect(rest.transfer.fetchedBytes < whole.transfer.fetchedBytes)
            #expect(rest.importances == whole.importances)
            #expect(rest.after == whole.after)
        }
    }

    @Test("a base release that was rolled back meanwhile is trained anew, once, on the channel's")
    func rolledBack() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            let changed = try ModularNetwork(AdaptationBench.specification, seed: 77)
            var files = try AdaptationBench.prototype.get()
            files[.head] = try AdaptationBench.files(of: changed)[.head]
            #expect(try await bench.publish(files) == 2)
            try await bench.withClient(state) { client in
                while try await client.waitForRelease(model: AdaptationBench.model, channel: "stable", after: 1) != 2 {}
                await #expect(throws: EdgeError.self) {
                    try await bench.withClient(state, faults: Faults("Submit")) { faulty in
                        try await DeviceAdaptation(client: faulty).adapt(request(), to: data.get())
                    }
                }
                _ = try await bench.registry.rollback(
                    AdaptationBench.model, channel: "stable", to: .release(1), as: bench.provenance)
                _ = try await client.waitForRelease(model: AdaptationBench.model, channel: "stable", after: 2)
                let report = try await DeviceAdaptation(client: client).adapt(request(), to: data.get())
                #expect(report.rolledBack == [2])
                #expect(report.release != 2)
                #expect(report.update?.status == .pending)
            }
            #expect(try await bench.updates().count == 1)
        }
    }

    @Test("training that diverges submits nothing and leaves the adapted model alone")
    func diverges() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            try await bench.withClient(state) { client in
                let adaptation = DeviceAdaptation(client: client)
                let first = try await adaptation.adapt(request(), to: data.get())
                var absurd = request()
                absurd.training.training.rate = 1e20
                let error = await #expect(throws: LearningError.self) {
                    try await adaptation.adapt(absurd, to: data.get())
                }
                #expect(error?.code == .diverged)
                #expect(try await bench.updates().count == 1)
                let installed = try InstalledModel(of: AdaptationBench.model, in: client.state)
                #expect(installed.model.training.after == first.after)
            }
        }
    }

    @Test("drift is told against the data of the last adaptation")
    func drift() async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            try await bench.withClient(state) { client in
                let adaptation = DeviceAdaptation(client: client)
                await #expect(throws: EdgeError.self) {
                    try await adaptation.checkDrift(of: AdaptationBench.model, in: data.get(), by: DriftDetector())
                }
                _ = try await adaptation.adapt(request(), to: data.get())
                let same = try await adaptation.checkDrift(
                    of: AdaptationBench.model, in: AdaptationBench.data(classes: [1, 3], count: 80, seed: 21),
                    by: DriftDetector(falseAlarmRate: 0.001, permutations: 9999))
                #expect(!same.isDrift)
                let other = try await adaptation.checkDrift(
                    of: AdaptationBench.model, in: AdaptationBench.data(classes: [0, 2], count: 80, seed: 22),
                    by: DriftDetector())
                #expect(other.isDrift)
            }
        }
    }

    @Test("drift is told against what the selector that the device keeps made of the data", arguments: [true, false])
    func driftBySelector(isFrozen: Bool) async throws {
        try await withAdaptationBench { bench in
            let state = try await bench.device("d1")
            try await bench.withClient(state) { client in
                var request = request()
                request.training.training.freezesSelector = isFrozen
                request.submits = false
                _ = try await DeviceAdaptation(client: client).adapt(request, to: data.get())
                let installed = try InstalledModel(of: AdaptationBench.model, in: client.state)
                #expect(
                    try ImportanceScoring.scores(of: data.get(), by: installed.network().selector)
                        == installed.model.observation.scores)
            }
        }
    }
}
