import Foundation

/// Runs work that computes for long on a thread of its own: the cooperative pool is not made for it, and libtorch keeps
/// state by thread.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.name = "training"
        // libtorch's backward pass recurses.
        thread.stackSize = 16 << 20
        thread.start()
    }
}
