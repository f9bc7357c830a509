import Adaptation
import CommandSupport
import DevicePrograms
import ECLMCore
import Synchronization

/// Shows how far an adaptation is: a bar for each stage that takes long, and what went otherwise than planned.
final class AdaptProgress: Sendable {
    private struct State: Sendable {
        var bar: ProgressBar?
        var expectedSteps = 0
    }

    private let output: CommandOutput
    private let model: String
    private let state = Mutex(State())

    init(_ output: CommandOutput, model: String) {
        self.output = output
        self.model = model
    }

    func show(_ event: AdaptationEvent) {
        switch event {
        case .stage(let stage):
            let bar = bar(for: stage)
            let old = state.withLock { state in
                defer { state = State(bar: bar) }
                return state.bar
            }
            old?.finish()
        case .transfer(let progress):
            state.withLock { $0.bar }?.show(progress)
        case .step(let number, let total, let loss):
            let bar = state.withLock { state in
                if state.expectedSteps == 0 { state.bar?.expect(Int64(total)) }
                state.expectedSteps = total
                return state.bar
            }
            if number % 10 == 0 {
                bar?.relabel("training \(model), loss \(Quantity.decimal(Double(loss), places: 3))")
            }
            bar?.advance(1)
        case .remark(let text):
            state.withLock { $0.bar }?.finish()
            output.remark(text)
        }
    }

    func finish() { state.withLock { $0.bar }?.finish() }

    private func bar(for stage: AdaptationStage) -> ProgressBar {
        switch stage {
        case .selector: output.progress("fetching the selector of \(model)")
        case .score: output.progress("scoring", counting: .count("examples"))
        case .pull: output.progress("pulling \(model)")
        case .train: output.progress("training \(model)", counting: .count("steps"))
        case .submit: output.progress("submitting")
        }
    }
}
