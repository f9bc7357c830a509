import CTorch

/// The error that the C functions left behind on this thread.
func lastTensorError() -> LearningError {
    LearningError(.tensor, String(cString: ct_last_error()))
}

/// The tensor of a C function's result, which owns its handle.
func made(_ handle: ct_tensor?) throws -> Tensor {
    guard let handle else { throw lastTensorError() }
    return Tensor(owning: handle)
}

/// Throws where a C function says that it failed.
func check(_ status: CInt) throws {
    guard status == 0 else { throw lastTensorError() }
}

/// Two numbers, one for the height and one for the width, where a C function reads just as many.
func checkPair(_ numbers: [Int], _ name: String) throws {
    guard numbers.count == 2 else {
        throw LearningError(.tensor, "a \(name) needs two numbers, height and width, not \(numbers)")
    }
}
