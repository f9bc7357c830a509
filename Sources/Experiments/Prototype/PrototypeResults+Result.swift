public import ECLMCore
import Foundation
public import Learning

extension PrototypeResults {
    /// What the report of a prototype shows.
    ///
    /// - Parameters:
    ///   - name: The name of the report's files: lower-case letters, digits and hyphens.
    ///   - command: What was typed.
    ///   - costs: The analytic costs of the modules.
    /// - Throws: ``LearningError`` where sub-models cannot be measured.
    public init(
        _ result: PrototypeResult, of prototype: Prototype, name: String, command: String,
        costs: [ModuleSlot: ModuleCosts]
    ) throws {
        let specification = prototype.specification
        let history = result.history
        let stages: [(PrototypeStage, String)] = [
            (.dense, "dense"), (.endToEnd, "end to end"), (.abilityEnhancing, "ability enhancing"),
        ]
        self.init(
            name: name, title: "Prototype \(specification.model)", command: command, seed: prototype.seed,
            setup: Self.facts(prototype),
            machine: MachineFacts(
                cores: ProcessInfo.processInfo.processorCount, libtorch: TensorRuntime.version, threads: 1),
            stages: stages.compactMap { stage, title in
                let epochs = history.epochs.filter { $0.stage == stage }
                guard !epochs.isEmpty else { return nil }
                return TrainingStage(
                    name: title,
                    epochs: epochs.map {
                        TrainingEpoch(
                            epoch: $0.epoch, loss: $0.loss, regularisation: stage == .dense ? nil : $0.auxiliary,
                            validationAccuracy: $0.validationAccuracy)
                    })
            },
            routing: AbilityResult(history, of: prototype, name: specification.model),
            caps: try PrototypeCaps(
                network: result.network, data: prototype.data, costs: costs, seed: prototype.seed
            ).results(),
            modelBytes: Int(costs.values.reduce(0) { $0 + $1.bytes }),
            modules: result.network.slots.compactMap { slot in
                costs[slot].map {
                    ModuleCostResult(
                        module: slot.defaultName, kind: slot.kind.rawValue, parameters: Int($0.parameters),
                        bytes: Int($0.bytes), flops: Int($0.flops), peakTrainingMemory: Int($0.peakMemory))
                }
            })
    }

    private static func facts(_ prototype: Prototype) -> [Fact] {
        let specification = prototype.specification
        let layers = specification.layers.map {
            "\($0.name): \($0.modules) modules of inner width \($0.inner)" + ($0.bypass ? " and a bypass" : "")
        }
        func text(_ training: TrainingSettings) -> String {
            "\(training.epochs) epochs, batch \(training.batch), \(training.optimization.rawValue) at \(training.rate)"
        }
        var facts = [
            Fact("network", "\(specification.model), input \(specification.input), \(specification.classes) classes"),
            Fact("module layers", layers.joined(separator: "; ")),
            Fact(
                "data",
                "\(prototype.data.training.count) examples of \(prototype.data.subTaskNames.count) sub-tasks, "
                    + "\(prototype.data.validation?.count ?? 0) for validation"),
        ]
        let settings = prototype.settings
        if let dense = settings.dense { facts.append(Fact("dense pre-training", text(dense))) }
        facts.append(
            Fact(
                "end to end",
                "\(text(settings.endToEnd.training)), load balance \(settings.endToEnd.balance), top "
                    + "\(settings.endToEnd.topK ?? specification.selector.topK)"))
        if let stage = settings.abilityEnhancing {
            let share = stage.subModels.map { ", \(Int(100 * $0.share)) % of the steps through sub-models" } ?? ""
            facts.append(
                Fact(
                    "ability enhancing",
                    "\(text(stage.training)), divergence \(stage.divergence), at most \(stage.modulesPerSubTask) modules "
                        + "a sub-task, load at most \(stage.moduleLoad) of an even share\(share)"))
        }
        return facts
    }
}
