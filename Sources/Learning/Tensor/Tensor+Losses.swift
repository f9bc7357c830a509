import CTorch

extension Tensor {
    /// The cross-entropy of scores `[rows, classes]` (logits) against a label for each row: the mean over the rows of
    /// -ln softmax(scores)[label], in nats. A label that is not a class is refused.
    public func crossEntropy(labels: [Int]) throws -> Tensor { try crossEntropy(labelTensor: Tensor(indices: labels)) }

    /// The same with labels as an int64 tensor, which can be made once for many steps.
    public func crossEntropy(labelTensor: Tensor) throws -> Tensor {
        try made(ct_cross_entropy(handle, labelTensor.handle))
    }
}
