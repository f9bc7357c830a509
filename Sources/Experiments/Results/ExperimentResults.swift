/// What one experiment measured, as it is kept in docs/experiments/NAME.json.
///
/// It holds raw measurements, one a seed, and no statistic: means, spreads, bytes to a target and the check of the
/// targets are computed from it whenever it is read, so that a better definition needs no new run. It holds no date and
/// no path either: two runs of one command differ in the measured seconds alone.
///
/// Units throughout: accuracies and shares in 0...1, bytes as integers, times in seconds.
public struct ExperimentResults: Codable, Sendable, Hashable {
    /// The layout that this code reads and writes.
    public static let currentSchema = 1

    /// The layout's version, ``currentSchema``.
    public var schema: Int
    /// The experiment's name; the files of its report begin with it. Lower-case letters, digits and hyphens.
    public var experiment: String
    /// The heading of its report.
    public var title: String
    /// The preset: smoke, quick or full.
    public var preset: String
    /// The command that made it, as it is typed.
    public var command: String
    /// What was run with, in the order in which the report shows it: rounds, local epochs, learning rates, ...
    public var setup: [Fact]
    /// The machine, as far as times depend on it.
    public var machine: MachineFacts
    /// One adaptation step: the rows of the paper's main table.
    public var rows: [Row]
    /// Routing before and after ability enhancing.
    public var ability: [AbilityResult]
    /// Accuracy against caps on the sub-model's size.
    public var caps: [CapResult]
    /// The continuous run: the same devices, while their data drifts.
    public var continuous: [ContinuousResult]

    public init(
        experiment: String, title: String, preset: String, command: String, setup: [Fact] = [],
        machine: MachineFacts, rows: [Row] = [], ability: [AbilityResult] = [], caps: [CapResult] = [],
        continuous: [ContinuousResult] = []
    ) {
        self.schema = Self.currentSchema
        self.experiment = experiment
        self.title = title
        self.preset = preset
        self.command = command
        self.setup = setup
        self.machine = machine
        self.rows = rows
        self.ability = ability
        self.caps = caps
        self.continuous = continuous
    }
}
