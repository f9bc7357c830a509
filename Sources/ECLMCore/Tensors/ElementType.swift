/// A tensor's element type (dtype), named as in the safetensors format.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
    /// IEEE 754 double precision.
    case f64 = "F64"
    /// IEEE 754 single precision.
    case f32 = "F32"
    /// IEEE 754 half precision.
    case f16 = "F16"
    /// bfloat16: the upper half of a single.
    case bf16 = "BF16"
    /// Signed integers.
    case i64 = "I64", i32 = "I32", i16 = "I16", i8 = "I8"
    /// Unsigned integers.
    case u64 = "U64", u32 = "U32", u16 = "U16", u8 = "U8"
    /// One byte, 0 or 1.
    case bool = "BOOL"

    /// Bytes an element takes.
    public var byteCount: Int {
        switch self {
        case .f64, .i64, .u64: 8
        case .f32, .i32, .u32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .i8, .u8, .bool: 1
        }
    }

    /// Whether elements can be NaN or infinite.
    public var isFloatingPoint: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        default: false
        }
    }
}
