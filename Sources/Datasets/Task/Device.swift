import ECLMCore

/// A device of a ``FederatedTask``: its data, and how that changes with time.
public struct Device: Sendable {
    /// A name that is unique in the task, such as `user-07` or `device-012`.
    public let id: String
    /// The classes of ``train``, ascending.
    public let classes: [Int]
    /// The part of the whole model's cost that the device can afford, above 0 and at most 1.
    public let budgetShare: Double

    let seed: UInt64
    let index: Int
    let training: ExampleSource
    let testing: ExampleSource
    /// Where training examples come from: one lane a class, or a single one with all that the user did.
    let lanes: [Lane]
    let testLanes: [Lane]
    let schedule: ShareSchedule
    let testLimit: Int

    /// Its training data. Put together anew each time.
    public var train: Examples { trainingExamples(step: 0) }
    /// Its test data, none of which is training data of any device or of the proxy. Put together anew each time.
    public var test: Examples { testExamples(step: 0) }
    /// How many training examples it has, at any step.
    public var sampleCount: Int { schedule.slots.reduce(0, +) }
}
