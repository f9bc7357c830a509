import CTorch

/// Gradients. Operations on tensors that require a gradient are recorded, and ``backward()`` walks the record back.
extension Tensor {
    /// Whether this tensor is a parameter, or computed from one.
    public var requiresGradient: Bool { ct_requires_gradient(handle) }

    /// Makes this tensor a parameter, whose gradient ``backward()`` accumulates; returns this tensor.
    @discardableResult
    public func requireGradient() throws -> Tensor {
        try check(ct_require_gradient(handle))
        return self
    }

    /// Adds the derivatives of this tensor, which holds one value, to the gradients of all parameters it was computed
    /// from, and lets go of the record.
    public func backward() throws { try check(ct_backward(handle)) }

    /// What ``backward()`` has added up for this parameter since ``clearGradient()``; nil where nothing. Shares memory
    /// with what is being added up.
    public func gradient() throws -> Tensor? {
        var gradient: ct_tensor?
        try check(ct_gradient(handle, &gradient))
        return gradient.map { Tensor(owning: $0) }
    }

    /// Forgets the gradient.
    public func clearGradient() throws { try check(ct_clear_gradient(handle)) }

    /// Overwrites the values with those of a tensor of the same shape, unrecorded.
    public func assign(_ other: Tensor) throws { try check(ct_assign(handle, other.handle)) }

    /// Runs a body whose operations, on this thread, are not recorded.
    public static func withoutGradient<T>(_ body: () throws -> T) rethrows -> T {
        let before = ct_set_gradient_recording(false)
        defer { _ = ct_set_gradient_recording(before) }
        return try body()
    }
}
