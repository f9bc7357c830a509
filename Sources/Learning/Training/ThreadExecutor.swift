import Foundation

/// Runs everything of one task on one thread of its own.
///
/// Training computes for minutes without a pause, which the cooperative pool is not made for, and libtorch keeps state
/// by thread: what a run sets (threads, gradient mode, memory counting) holds for all of it and for nobody else.
// Unchecked: `jobs` and `isStopped` are only touched with `condition` locked.
final class ThreadExecutor: TaskExecutor, @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isStopped = false

    /// libtorch's backward pass recurses; the main thread's usual stack is plenty.
    private static let stackSize = 16 << 20

    init(name: String) {
        let thread = Thread { [self] in run() }
        thread.name = name
        thread.stackSize = Self.stackSize
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.lock()
        jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    /// Ends the thread once nothing is left to run.
    func stop() {
        condition.lock()
        isStopped = true
        condition.signal()
        condition.unlock()
    }

    private func run() {
        let executor = asUnownedTaskExecutor()
        while let job = next() { job.runSynchronously(on: executor) }
    }

    private func next() -> UnownedJob? {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty {
            if isStopped { return nil }
            condition.wait()
        }
        return jobs.removeFirst()
    }
}

/// Runs `body` and all it calls on a thread of its own.
package func onOwnThread<Result: Sendable>(
    _ name: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let executor = ThreadExecutor(name: name)
    defer { executor.stop() }
    return try await withTaskExecutorPreference(executor) { try await body() }
}
