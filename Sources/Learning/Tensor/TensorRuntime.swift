import CTorch

/// libtorch in this process.
public enum TensorRuntime {
    /// How many threads a single operation may use, 1 to 1024, on whatever thread it is called from now on. With 1,
    /// results are the same in every run.
    public static func setThreads(_ count: Int) throws {
        guard (1...1024).contains(count) else {
            throw LearningError(.tensor, "operations cannot use \(count) threads; choose 1 to 1024")
        }
        try check(ct_set_threads(CInt(count)))
    }

    /// The version of libtorch, such as "1.13.0".
    public static var version: String { String(cString: ct_version()) }

    /// Runs a body and measures the most bytes that tensors made in it, on this thread, held at once, those that
    /// gradients need included. What was there before counts for nothing, also when it is released in the body.
    /// Measurements may be nested. (The allocator's own hook reports each allocation, so the number is exact and the same
    /// in every run.)
    public static func peakMemory<T>(_ body: () throws -> T) throws -> (result: T, peak: Int) {
        guard let memory = ct_begin_memory() else { throw lastTensorError() }
        var peak = 0
        let result: T
        do {
            defer { peak = ct_end_memory(memory) }
            result = try body()
        }
        return (result, peak)
    }
}
