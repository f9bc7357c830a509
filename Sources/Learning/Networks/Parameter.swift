/// A tensor that training changes.
public struct Parameter {
    /// The part of a network that a parameter belongs to.
    public enum Part: Hashable, Sendable {
        /// The stem, and the norms and skips of the layers: what every sub-model has before its head.
        case stem
        /// The modules of a layer.
        case layer(Int)
        /// The classifier.
        case head
        case selector
    }

    /// The name, unique in a network.
    public let name: String
    /// Where it belongs.
    public let part: Part
    /// The values: a leaf that collects gradients.
    public let tensor: Tensor
}
