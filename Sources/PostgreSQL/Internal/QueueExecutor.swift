import Dispatch

/// Runs an actor on a serial dispatch queue of its own.
///
/// The socket's dispatch sources deliver on the same queue, so their handlers are already isolated to the actor; and where
/// libpq blocks in spite of everything (name resolution), it blocks a dispatch thread and not the cooperative pool.
final class QueueExecutor: SerialExecutor {
    let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
