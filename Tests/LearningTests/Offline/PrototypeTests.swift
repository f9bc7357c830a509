import ECLMCore
import Foundation
import Learning
import PythonReference
import Testing

@Suite("A prototype")
struct PrototypeTests {
    @Test("draws gates to the modules of the mask, and lowers the divergence from the target")
    func enhanced() throws {
        let prototype = try PrototypeFixture.prototype {
            $0.endToEnd.training.epochs = 6
            $0.abilityEnhancing?.training.epochs = 12
        }
        let result = try prototype.run()
        let history = result.history
        #expect(history.before.count == 2 && history.after.count == 2 && history.masks.count == 2)
        for layer in 0..<2 {
            func share(_ maps: [AbilityMap]) -> Double {
                var share = 0.0
                for (gates, mask) in zip(maps[layer].gates, history.masks[layer].mask) {
                    for (gate, isChosen) in zip(gates, mask) where isChosen { share += gate }
                }
                return share
            }
            #expect(share(history.after) > share(history.before) + 0.2)
        }
        let divergences = history.epochs.filter { $0.stage == .abilityEnhancing }.map(\.auxiliary)
        let (first, last) = (try #require(divergences.first), try #require(divergences.last))
        #expect(last < 0.7 * first)
        // And it learnt its task.
        let accuracy = try #require(history.epochs.last?.validationAccuracy)
        #expect(accuracy > 0.6)
        #expect(history.epochs.count == 18)
    }

    @Test("is the same for the same seed, and another for another")
    func deterministic() throws {
        let first = try PrototypeFixture.weights(PrototypeFixture.prototype().run().network)
        #expect(try PrototypeFixture.weights(PrototypeFixture.prototype().run().network) == first)
        #expect(try PrototypeFixture.weights(PrototypeFixture.prototype(seed: 6).run().network) != first)
    }

    @Test("starts from a dense network where settings say so", arguments: [true, false])
    func dense(_ enhanced: Bool) throws {
        let result = try PrototypeFixture.prototype(dense: true) { if !enhanced { $0.abilityEnhancing = nil } }.run()
        let stages = result.history.epochs.map(\.stage)
        let expected: [PrototypeStage] = [.dense, .dense, .dense, .endToEnd, .endToEnd, .endToEnd]
        #expect(stages == expected + (enhanced ? [.abilityEnhancing, .abilityEnhancing, .abilityEnhancing] : []))
        #expect(result.history.masks.isEmpty == !enhanced)
        #expect(result.network.gating == .selector)
    }

    @Test("that was interrupted goes on to the same weights, bit for bit", arguments: [2, 7, 19, 21, 24, 33, 47])
    func resumed(_ interruption: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("state.safetensors")
        let whole = try PrototypeFixture.prototype(dense: true).run()
        #expect(throws: PrototypeFixture.Interruption.self) {
            try PrototypeFixture.prototype(dense: true).run(checkpoint: path) {
                if $0.done == interruption { throw PrototypeFixture.Interruption() }
            }
        }
        var first: PrototypeProgress?
        let resumed = try PrototypeFixture.prototype(dense: true).run(checkpoint: path) { first = first ?? $0 }
        // The state is kept every 4 steps of a stage, and at the end of each of the stages of 18.
        let kept = interruption / 18 * 18 + interruption % 18 / 4 * 4
        #expect(resumed.resumedAt == kept)
        #expect(first?.done == kept + 1 && first?.total == 54)
        #expect(try PrototypeFixture.weights(resumed.network) == PrototypeFixture.weights(whole.network))
        #expect(resumed.history == whole.history)
        // Finished: nothing is left to do, and the result is still there.
        let again = try PrototypeFixture.prototype(dense: true).run(checkpoint: path) { _ in Issue.record("a step") }
        #expect(again.resumedAt == 54)
        #expect(try PrototypeFixture.weights(again.network) == PrototypeFixture.weights(whole.network))
        #expect(again.history == whole.history)
    }

    @Test("does not go on with the state of other work")
    func otherWork() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("state.safetensors")
        _ = try PrototypeFixture.prototype().run(checkpoint: path)
        func refused(_ prototype: Prototype, _ reason: String) {
            #expect {
                try prototype.run(checkpoint: path)
            } throws: { error in
                (error as? LearningError)?.code == .checkpoint && "\(error)".contains(reason)
            }
        }
        refused(try PrototypeFixture.prototype(seed: 9), "another seed")
        refused(try PrototypeFixture.prototype { $0.endToEnd.balance = 0.5 }, "other settings")
        var specification = PrototypeFixture.specification
        specification.model = "other"
        refused(
            try Prototype(
                specification, data: PrototypeFixture.data(), settings: PrototypeFixture.settings(), seed: 5),
            "another network")
        refused(
            try Prototype(
                PrototypeFixture.specification, data: PrototypeFixture.data(count: 60),
                settings: PrototypeFixture.settings(), seed: 5), "other data")
        // How often the state is kept is no other work.
        #expect(try PrototypeFixture.prototype { $0.checkpointSteps = 7 }.run(checkpoint: path).resumedAt == 36)
    }

    @Test("does not go on with a damaged state", arguments: ["cut", "flipped", "other", "empty"])
    func damaged(_ kind: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("state.safetensors")
        _ = try PrototypeFixture.prototype().run(checkpoint: path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        switch kind {
        case "cut": bytes.removeLast(100)
        case "flipped": bytes[bytes.count - 50] ^= 1
        case "other":
            bytes = Data(
                try PrototypeFixture.weights(ModularNetwork(PrototypeFixture.specification, seed: 1))[0].safetensors())
        default: bytes = Data()
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect {
            try PrototypeFixture.prototype().run(checkpoint: path)
        } throws: { error in
            (error as? LearningError)?.code == .checkpoint && "\(error)".contains("damaged")
        }
    }

    @Test("that diverges says where and what to change, and keeps its last good state")
    func diverged() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("state.safetensors")
        let wild = try PrototypeFixture.prototype {
            $0.abilityEnhancing?.training.optimization = .sgd
            $0.abilityEnhancing?.training.rate = 1e20
            $0.abilityEnhancing?.training.clipNorm = nil
        }
        #expect {
            try wild.run(checkpoint: path)
        } throws: { error in
            let text = "\(error)"
            return (error as? LearningError)?.code == .diverged && text.contains("ability_enhancing")
                && text.contains("step") && text.contains("ability_enhancing.training.rate") && text.contains(path)
        }
        // What was kept is the end of stage 1, whole and finite.
        let file = try SafetensorsFile(path: path)
        #expect(file.tensors.allSatisfy { $0.firstNonFinite() == nil })
        #expect(file.header.metadata["position"]?.contains("ability_enhancing") == true)
    }

    @Test("cannot be made of bad data")
    func badData() throws {
        let good = try PrototypeFixture.data()
        let training = good.training
        func refused(_ body: () throws -> Void, _ reason: String) {
            do {
                try body()
                Issue.record("\(reason): not refused")
            } catch {
                #expect((error as? LearningError)?.code == .data)
                #expect("\(error)".contains(reason))
            }
        }
        refused({ _ = try PrototypeData(training: training, subTasks: [0], subTaskNames: ["a"]) }, "each needs one")
        refused(
            { _ = try PrototypeData(training: training, subTasks: training.labels, subTaskNames: ["a"]) }, "sub-task 1")
        refused(
            {
                _ = try PrototypeData(
                    training: training, subTasks: training.labels, subTaskNames: ["a", "b", "c", "nobody"])
            }, "nobody has no example")
        let oneClass = try training.subset(training.labels.indices.filter { training.labels[$0] == 1 })
        refused(
            {
                _ = try Prototype(
                    PrototypeFixture.specification,
                    data: PrototypeData(
                        training: oneClass, subTasks: oneClass.labels.map { _ in 0 }, subTaskNames: ["a"]), seed: 1)
            }, "at least two classes")
        refused(
            { _ = try Prototype(SmallNetworks.convolution, data: good, seed: 1) }, "shape")
    }
}
