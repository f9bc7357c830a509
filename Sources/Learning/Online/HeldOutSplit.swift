/// Which of a device's examples are learned from, and which only measured on.
///
/// Of every class the last examples are held out: a device's examples lie in the order of time, windows of one recording
/// overlap their neighbours, and a random split would measure on what was learned. Deterministic.
public struct HeldOutSplit: Hashable, Sendable {
    /// Positions to learn from, ascending; never empty.
    public let training: [Int]
    /// Positions to measure on, ascending; empty when the share is 0 or no class has examples to spare.
    public let heldOut: [Int]

    /// Splits examples by their labels.
    ///
    /// - Parameters:
    ///   - labels: One an example, in the order of time.
    ///   - share: The part of each class to hold out, from 0 to 0.9; rounded, and at least one example of a class is
    ///     always learned from.
    /// - Throws: ``LearningError`` with `data` for no labels or an impossible share.
    public init(labels: [Int], share: Double) throws {
        guard !labels.isEmpty else { throw LearningError(.data, "there are no examples to split") }
        guard (0...0.9).contains(share) else {
            throw LearningError(.data, "a share of \(share) cannot be held out; choose one from 0 to 0.9")
        }
        var remaining: [Int: Int] = [:]
        for label in labels { remaining[label, default: 0] += 1 }
        var toTrain = remaining.mapValues { count in
            count - min(count - 1, Int((Double(count) * share).rounded()))
        }
        var training: [Int] = []
        var heldOut: [Int] = []
        for (position, label) in labels.enumerated() {
            if let left = toTrain[label], left > 0 {
                training.append(position)
                toTrain[label] = left - 1
            } else {
                heldOut.append(position)
            }
        }
        self.training = training
        self.heldOut = heldOut
    }
}
