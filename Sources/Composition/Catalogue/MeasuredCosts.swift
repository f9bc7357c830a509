/// What a device class was measured to need for one module version.
public struct MeasuredCosts: Sendable, Hashable {
    /// Peak memory in bytes.
    public var memory: Int64
    /// Floating-point operations for one sample, or what equals them in time.
    public var flops: Int64

    public init(memory: Int64, flops: Int64) {
        self.memory = memory
        self.flops = flops
    }
}
