/// What a module is to its model.
public enum ModuleKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// A shrunk module: one of a module layer's interchangeable alternatives.
    case expert
    /// The residual module of a layer: lets an input skip the layer.
    case bypass
    /// The shared parts before the first module layer, or between layers.
    case stem
    /// The shared parts after the last module layer.
    case head
    /// The network that scores every module of every layer from the raw input.
    case selector

    /// Whether every sub-model carries the module, whatever the query (paper section 2: stem, head and selector always ship).
    public var isShared: Bool {
        switch self {
        case .expert, .bypass: false
        case .stem, .head, .selector: true
        }
    }
}
