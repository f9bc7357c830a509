import Datasets
import Foundation
import Learning
import Synchronization

/// Runs an experiment: every row with every seed, what the cloud trains first, then the search, then the methods.
///
/// Each finished part is kept in the work directory, and a run that was stopped goes on behind the last one.
public struct ExperimentRunner: Sendable {
    /// Makes a cloud for one run of our method.
    public typealias CloudFactory = @Sendable (CloudSettings, _ name: String) async throws -> any Cloud

    /// Where and how to run.
    public struct Options: Sendable {
        /// Where finished parts are kept.
        public var workDirectory: String
        /// Where the data sets are.
        public var dataDirectory: String
        /// Runs at a time, each with one thread.
        public var jobs: Int
        /// The command that a reader can repeat, for the report.
        public var command: String
        /// Whether ours goes over the wire.
        public var overTheWire: Bool

        public init(
            workDirectory: String, dataDirectory: String = "data", jobs: Int = 1, command: String,
            overTheWire: Bool = false
        ) {
            self.workDirectory = workDirectory
            self.dataDirectory = dataDirectory
            self.jobs = jobs
            self.command = command
            self.overTheWire = overTheWire
        }
    }

    /// What an experiment gave.
    public struct Outcome: Sendable {
        /// The measurements, for the report.
        public var results: ExperimentResults
        /// All hyperparameters that were tried on pseudo-devices.
        public var search: [SearchRecord]
    }

    /// How far an experiment is.
    public struct Progress: Sendable, Hashable {
        /// The part that is finished, such as `m2, seed 1: FedAvg`.
        public var finished: String
        /// Parts finished, and all there are as far as is known.
        public var done: Int, total: Int
    }

    let settings: ExperimentSettings
    let options: Options
    let makeCloud: CloudFactory

    /// A runner.
    ///
    /// - Parameter makeCloud: The cloud of each run of ours; in process by default.
    /// - Throws: What ``ExperimentSettings/validated()`` throws; ``ExperimentError`` with `settings` for `jobs` below 1.
    public init(
        _ settings: ExperimentSettings, options: Options, makeCloud: @escaping CloudFactory = Self.inProcess
    ) throws {
        self.settings = try settings.validated()
        guard (1...256).contains(options.jobs) else {
            throw ExperimentError(.settings, "\(options.jobs) runs at a time; it takes 1 to 256")
        }
        self.options = options
        self.makeCloud = makeCloud
    }

    /// Clouds in memory.
    public static let inProcess: CloudFactory = { settings, _ in try InProcessCloud(settings) }

    /// Runs what is missing, and puts all together.
    ///
    /// - Parameters:
    ///   - onProgress: Called after every part.
    ///   - onActivity: Called after every training of a device, from many threads.
    /// - Throws: ``ExperimentError``, ``DatasetError`` or ``LearningError``; what is finished is kept.
    public func run(
        onProgress: @escaping @Sendable (Progress) -> Void = { _ in },
        onActivity: @escaping @Sendable () -> Void = {}
    ) async throws -> Outcome {
        // Threads beyond the one of each run would only get in each other's way, and make sums depend on their number.
        try TensorRuntime.setThreads(1)
        let counter = PartCounter(onProgress)
        var assembly = ResultAssembly(settings, options: options)
        for row in settings.rows {
            for seed in settings.seeds {
                let parts = try await RowRun(
                    settings: settings, row: row, seed: seed, options: options, makeCloud: makeCloud,
                    counter: counter, onActivity: onActivity
                ).run()
                try assembly.add(parts)
            }
        }
        return try assembly.outcome()
    }
}

/// Counts finished parts for many threads.
final class PartCounter: Sendable {
    private let counts = Mutex((done: 0, total: 0))
    private let onProgress: @Sendable (ExperimentRunner.Progress) -> Void

    init(_ onProgress: @escaping @Sendable (ExperimentRunner.Progress) -> Void) { self.onProgress = onProgress }

    func expect(_ parts: Int) { counts.withLock { $0.total += parts } }

    func finish(_ part: String) {
        let (done, total) = counts.withLock { counts in
            counts.done += 1
            return counts
        }
        onProgress(ExperimentRunner.Progress(finished: part, done: done, total: total))
    }
}
