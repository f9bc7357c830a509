import Testing

@testable import RPC

@Suite("The signal to drain", .timeLimit(.minutes(1)))
struct DrainSignalTests {
    @Test("ends the waits that are there and those that come")
    func raise() async throws {
        let signal = DrainSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { try await signal.wait() } }
            group.addTask { signal.raise() }
            try await group.waitForAll()
        }
        try await signal.wait()
        signal.raise()
    }

    @Test("lets a cancelled wait go")
    func cancel() async throws {
        let signal = DrainSignal()
        let waits = (0..<100).map { _ in Task { try await signal.wait() } }
        for wait in waits { wait.cancel() }
        for wait in waits {
            await #expect(throws: CancellationError.self) { try await wait.value }
        }
        signal.raise()
        try await signal.wait()
    }
}
