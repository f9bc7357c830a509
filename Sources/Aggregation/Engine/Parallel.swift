import Dispatch
import Foundation
import Synchronization

/// Work over all cores of the machine.
///
/// What a job computes must depend on its number alone, and jobs must write to different places: then the result is the
/// same on any number of cores.
package enum Parallel {
    /// The machine's cores.
    package static let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)

    /// Runs `body` for each of 0..<`jobs`, on up to `cores` threads, and returns when all are done.
    static func perform(_ jobs: Int, on cores: Int, _ body: (Int) -> Void) {
        let width = min(jobs, max(1, cores))
        guard width > 1 else {
            for job in 0..<jobs { body(job) }
            return
        }
        // A counter instead of equal shares: a core that has other work to do takes fewer jobs.
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { body in
            // Safe to share: concurrentPerform returns when all calls have ended, and jobs write to different places.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: width) { _ in
                while true {
                    let job = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard job < jobs else { return }
                    body(job)
                }
            }
        }
    }
}
