#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The activation between a block's two linear maps.
///
/// The list is closed: an exact split needs an activation that treats each inner neuron by itself, which a softmax or a
/// normalisation over neurons does not.
public enum Activation: String, Sendable, Hashable, CaseIterable {
    /// max(x, 0).
    case relu
    /// x times the normal distribution function of x, by `erf`.
    case gelu
    /// The approximation of ``gelu`` by `tanh`.
    case geluTanh = "gelu_tanh"
    /// x times the logistic function of x.
    case silu
    /// The hyperbolic tangent.
    case tanh
    /// The logistic function.
    case sigmoid
    /// x itself.
    case identity

    /// The operator that a device needs; `nil` when it needs none.
    public var operatorName: String? { self == .identity ? nil : rawValue }

    /// The activation of one value.
    public func callAsFunction(_ value: Float) -> Float {
        switch self {
        case .relu: return Swift.max(value, 0)
        case .gelu: return 0.5 * value * (1 + erff(value * 0.707_106_77))
        case .geluTanh: return 0.5 * value * (1 + tanhf(0.797_884_56 * (value + 0.044715 * value * value * value)))
        case .silu: return value / (1 + expf(-value))
        case .tanh: return tanhf(value)
        case .sigmoid: return 1 / (1 + expf(-value))
        case .identity: return value
        }
    }
}
