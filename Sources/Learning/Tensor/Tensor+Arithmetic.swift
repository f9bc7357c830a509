import CTorch

/// Arithmetic value by value. Shapes broadcast: aligned at the last dimension, a length of 1 or a missing dimension
/// repeats.
extension Tensor {
    /// The sum, value by value.
    public static func + (left: Tensor, right: Tensor) throws -> Tensor { try made(ct_add(left.handle, right.handle)) }

    /// The difference, value by value.
    public static func - (left: Tensor, right: Tensor) throws -> Tensor {
        try made(ct_subtract(left.handle, right.handle))
    }

    /// The product, value by value.
    public static func * (left: Tensor, right: Tensor) throws -> Tensor {
        try made(ct_multiply(left.handle, right.handle))
    }

    /// The quotient, value by value; division by 0 gives infinity or not a number.
    public static func / (left: Tensor, right: Tensor) throws -> Tensor {
        try made(ct_divide(left.handle, right.handle))
    }

    /// A number added to every value.
    public static func + (left: Tensor, right: Float) throws -> Tensor { try made(ct_add_scalar(left.handle, right)) }

    /// A number subtracted from every value.
    public static func - (left: Tensor, right: Float) throws -> Tensor { try made(ct_add_scalar(left.handle, -right)) }

    /// Every value times a number.
    public static func * (left: Tensor, right: Float) throws -> Tensor {
        try made(ct_multiply_scalar(left.handle, right))
    }

    /// Every value divided by a number.
    public static func / (left: Tensor, right: Float) throws -> Tensor {
        try made(ct_divide_scalar(left.handle, right))
    }

    /// A number added to every value.
    public static func + (left: Float, right: Tensor) throws -> Tensor { try right + left }

    /// A number less every value.
    public static func - (left: Float, right: Tensor) throws -> Tensor {
        try made(ct_subtract_from_scalar(left, right.handle))
    }

    /// Every value times a number.
    public static func * (left: Float, right: Tensor) throws -> Tensor { try right * left }

    /// A number divided by every value.
    public static func / (left: Float, right: Tensor) throws -> Tensor {
        try made(ct_divide_scalar_by(left, right.handle))
    }

    /// Every value with the other sign.
    public static prefix func - (tensor: Tensor) throws -> Tensor { try made(ct_negative(tensor.handle)) }

    /// Every value times itself.
    public func squared() throws -> Tensor { try made(ct_square(handle)) }

    /// The square root of every value; of a negative one it is not a number.
    public func squareRoot() throws -> Tensor { try made(ct_square_root(handle)) }

    /// e to the power of every value.
    public func exponential() throws -> Tensor { try made(ct_exponential(handle)) }
}
