/// A module's place in its model: (layer, index) and kind.
///
/// Module layers count from 0 and so do the indices within one; shared modules (stem, head, selector) lie in no layer.
public struct ModuleSlot: Hashable, Sendable, Codable {
    /// What the module is to its model.
    public var kind: ModuleKind
    /// The module layer, from 0; `nil` exactly when ``kind`` is shared.
    public var layer: Int?
    /// The position among the modules of the layer, or among the shared modules of the kind; from 0.
    public var index: Int

    public init(kind: ModuleKind, layer: Int?, index: Int) {
        self.kind = kind
        self.layer = layer
        self.index = index
    }

    /// The name a module gets when its publisher gives none: `l2.m07`, `l2.bypass0`, `stem0`.
    public var defaultName: String {
        let number = index < 10 ? "0\(index)" : "\(index)"
        switch (kind, layer) {
        case (.expert, .some(let layer)): return "l\(layer).m\(number)"
        case (_, .some(let layer)): return "l\(layer).\(kind.rawValue)\(index)"
        case (_, .none): return "\(kind.rawValue)\(index)"
        }
    }
}

extension ModuleSlot: Comparable {
    /// Shared parts first, by kind, then layer by layer in index order.
    public static func < (left: ModuleSlot, right: ModuleSlot) -> Bool {
        // Indices count within a layer whatever the kind; the kind only orders what no valid model holds twice.
        left.layer == nil && right.layer == nil
            ? (left.kind.rawValue, left.index) < (right.kind.rawValue, right.index)
            : (left.layer ?? -1, left.index, left.kind.rawValue) < (right.layer ?? -1, right.index, right.kind.rawValue)
    }
}
