/// How many bytes a run needs to reach an accuracy, and to converge.
///
/// Curves are smoothed by a centred mean over three rounds (two at the ends), as single rounds jump. Bytes count both
/// ways, over all devices, at the first measured round whose smoothed accuracy is there; nothing is interpolated.
public enum ByteAccounting {
    /// The rounds that a smoothed accuracy is the mean of.
    public static let window = 3
    /// How close to its best smoothed accuracy a run has converged: half a point.
    public static let tolerance = 0.005

    /// The curve's accuracies, smoothed.
    public static func smoothed(_ curve: [CurvePoint]) -> [Double] {
        curve.indices.map { index in
            let around = curve[max(0, index - window / 2)...min(curve.count - 1, index + window / 2)]
            return around.reduce(0) { $0 + $1.accuracy } / Double(around.count)
        }
    }

    /// The best accuracy that a run reaches, smoothed: the target that others are measured to.
    public static func best(_ run: RunResult) -> Double? { smoothed(run.course).max() }

    /// Where a run reaches `accuracy`; `nil` when it never does.
    public static func point(of run: RunResult, reaching accuracy: Double) -> CurvePoint? {
        let course = run.course
        // Means of rounded accuracies differ in the last bit.
        return smoothed(course).firstIndex { $0 >= accuracy - 1e-9 }.map { course[$0] }
    }

    /// Where a run has converged: the first round within ``tolerance`` of its own best.
    public static func convergence(of run: RunResult) -> CurvePoint? {
        best(run).flatMap { point(of: run, reaching: $0 - tolerance) }
    }
}

extension RunResult {
    /// The mean over devices at the end.
    public var accuracy: Double {
        deviceAccuracies.reduce(0, +) / Double(max(1, deviceAccuracies.count))
    }

    /// Its curve; for a method without rounds, the one point at its end.
    var course: [CurvePoint] {
        curve.isEmpty
            ? [CurvePoint(round: 0, bytesUp: bytesUp, bytesDown: bytesDown, accuracy: accuracy)] : curve
    }
}
