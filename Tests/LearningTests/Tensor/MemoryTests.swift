import Learning
import Testing

@Suite("Peak memory")
struct MemoryTests {
    @Test("is what was held at once, not what was allocated in sum")
    func peak() throws {
        let (tensor, peak) = try TensorRuntime.peakMemory {
            for _ in 0..<1000 { _ = try Tensor.zeros([1000]) }
            return try Tensor.zeros([500])
        }
        #expect(peak == 4000)
        #expect(tensor.count == 500)
        #expect(try TensorRuntime.peakMemory { [try Tensor.zeros([1000]), try Tensor.zeros([500])] }.peak == 6000)
        #expect(try TensorRuntime.peakMemory {}.peak == 0)
    }

    @Test("does not count what was there before")
    func before() throws {
        var tensor: Tensor? = try Tensor.zeros([1000])
        let (_, peak) = try TensorRuntime.peakMemory {
            tensor = nil
            tensor = try Tensor.zeros([100])
        }
        #expect(peak == 400)
        #expect(tensor?.count == 100)
    }

    @Test("counts what gradients need")
    func gradients() throws {
        let parameter = try Tensor.full([1000], 1).requireGradient()
        func run() throws { try parameter.exponential().exponential().sum().backward() }
        let forward = try TensorRuntime.peakMemory { try Tensor.withoutGradient { try parameter.exponential().sum() } }
        let recorded = try TensorRuntime.peakMemory(run)
        #expect(forward.peak >= 4000 && forward.peak < 5000)
        #expect(recorded.peak > 8000)
        try parameter.clearGradient()
        #expect(try TensorRuntime.peakMemory(run).peak == recorded.peak)
    }

    struct Stop: Error {}

    /// Holds 400 bytes through a measurement of 200 and one that fails, and then 400 more.
    func measureInside() throws -> Int {
        let first = try Tensor.zeros([100])
        do { _ = try TensorRuntime.peakMemory { throw Stop() } } catch is Stop {}
        let inner = try TensorRuntime.peakMemory { try Tensor.zeros([50]) }.peak
        let second = try Tensor.zeros([100])
        return withExtendedLifetime((first, second)) { inner }
    }

    @Test("is measured inside another measurement, and goes on after an error")
    func nesting() throws {
        let (inner, outer) = try TensorRuntime.peakMemory(measureInside)
        #expect(inner == 200)
        #expect(outer == 800)
    }
}
