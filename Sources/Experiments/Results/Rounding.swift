import Plots

/// Results are kept to what their numbers mean, so that files stay small and diffs show what changed.
private enum Rounding {
    /// A hundredth of a point: one example in 10,000.
    static func share(_ value: Double) -> Double { NumberText.rounded(value, 4) }
    static func gate(_ value: Double) -> Double { NumberText.rounded(value, 3) }
    static func loss(_ value: Double) -> Double { NumberText.rounded(value, 4) }
    static func amount(_ value: Double) -> Double { NumberText.rounded(value, 0) }
    /// Three significant digits: a time measured twice does not agree to more.
    static func seconds(_ value: Double) -> Double { NumberText.roundedToDigits(value, 3) }
}

extension ExperimentResults {
    /// The same results, rounded to what their numbers mean: accuracies to a hundredth of a point, gates to a
    /// thousandth, seconds to three digits, means of bytes to a byte.
    public func rounded() -> ExperimentResults {
        var result = self
        result.rows = rows.map { row in
            var row = row
            if var model = row.fullModel {
                model.secondsPerBatch = Rounding.seconds(model.secondsPerBatch)
                row.fullModel = model
            }
            row.methods = row.methods.map { method in
                var method = method
                method.runs = method.runs.map { $0.rounded() }
                return method
            }
            return row
        }
        result.ability = ability.map { $0.rounded() }
        result.caps = caps.map { $0.rounded() }
        result.continuous = continuous.map { result in
            var result = result
            result.methods = result.methods.map { method in
                var method = method
                method.runs = method.runs.map { run in
                    var run = run
                    run.accuracies = run.accuracies.map(Rounding.share)
                    run.seconds = run.seconds.map(Rounding.seconds)
                    return run
                }
                return method
            }
            return result
        }
        return result
    }
}

extension RunResult {
    fileprivate func rounded() -> RunResult {
        var run = self
        run.deviceAccuracies = deviceAccuracies.map(Rounding.share)
        run.curve = curve.map {
            var point = $0
            point.accuracy = Rounding.share(point.accuracy)
            return point
        }
        run.subModelBytes = Rounding.amount(subModelBytes)
        run.subModelParameters = Rounding.amount(subModelParameters)
        run.peakTrainingMemory = peakTrainingMemory.map(Rounding.amount)
        run.secondsPerBatch = secondsPerBatch.map(Rounding.seconds)
        return run
    }
}

extension AbilityResult {
    fileprivate func rounded() -> AbilityResult {
        let rounded = { (matrix: [[Double]]) in matrix.map { $0.map(Rounding.gate) } }
        var result = self
        result.layers = layers.map {
            RoutingLayer(
                name: $0.name, before: rounded($0.before), mapping: $0.mapping.map(rounded), after: rounded($0.after))
        }
        return result
    }
}

extension CapResult {
    fileprivate func rounded() -> CapResult {
        var result = self
        result.points = points.map {
            CapPoint(
                cap: Rounding.share($0.cap), accuracies: $0.accuracies.map(Rounding.share),
                subModelBytes: Rounding.amount($0.subModelBytes),
                peakTrainingMemory: $0.peakTrainingMemory.map(Rounding.amount),
                secondsPerBatch: $0.secondsPerBatch.map(Rounding.seconds))
        }
        return result
    }
}

extension PrototypeResults {
    /// The same results, rounded like ``ExperimentResults/rounded()``; losses to four decimals.
    public func rounded() -> PrototypeResults {
        var result = self
        result.stages = stages.map { stage in
            var stage = stage
            stage.epochs = stage.epochs.map {
                TrainingEpoch(
                    epoch: $0.epoch, loss: Rounding.loss($0.loss), regularisation: $0.regularisation.map(Rounding.loss),
                    validationAccuracy: $0.validationAccuracy.map(Rounding.share))
            }
            return stage
        }
        result.routing = routing?.rounded()
        result.caps = caps.map { $0.rounded() }
        return result
    }
}
