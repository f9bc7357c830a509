/// What one module version costs a device that carries it; the analytic figures, replaced by measured ones where a
/// device class has them.
public struct ModuleCosts: Hashable, Sendable, Codable {
    /// Size of the weights blob, in bytes: what a fetch of the module transfers.
    public var bytes: Int64
    /// Number of weights.
    public var parameters: Int64
    /// Floating-point operations for one sample through the module (a multiply-add counts two).
    public var flops: Int64
    /// Peak memory while the module runs, in bytes: weights and activations.
    public var peakMemory: Int64

    /// Each at least 0.
    public init(bytes: Int64, parameters: Int64, flops: Int64, peakMemory: Int64) {
        self.bytes = bytes
        self.parameters = parameters
        self.flops = flops
        self.peakMemory = peakMemory
    }

    enum CodingKeys: String, CodingKey {
        case bytes, parameters, flops
        case peakMemory = "peak_memory"
    }
}
