import Learning

/// Runs jobs, a given number at a time, each on a thread of its own.
struct JobPool: Sendable {
    /// One piece of work, which others do not wait for.
    struct Job: Sendable {
        var name: String
        var body: @Sendable () async throws -> Void
    }

    /// How many run at a time, at least 1.
    var width: Int

    /// Runs all jobs, started in their order; the first failure cancels the others and is thrown.
    func run(_ jobs: [Job]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var rest = jobs[...]
            for job in rest.prefix(width) { Self.start(job, in: &group) }
            rest = rest.dropFirst(width)
            while try await group.next() != nil {
                if let job = rest.popFirst() { Self.start(job, in: &group) }
            }
        }
    }

    private static func start(_ job: Job, in group: inout ThrowingTaskGroup<Void, any Error>) {
        group.addTask {
            try Task.checkCancellation()
            try await onOwnThread(job.name, job.body)
        }
    }
}
