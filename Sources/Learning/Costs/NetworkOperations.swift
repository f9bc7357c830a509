import ECLMCore

/// What each module of a network computes for one example: operations counted from the shapes, and the operators used.
///
/// A multiply-add counts two operations; norms two and activations, gates, biases and sums one each a value.
struct NetworkOperations {
    let specification: NetworkSpecification
    let geometry: NetworkGeometry

    init(_ specification: NetworkSpecification) throws {
        self.specification = specification
        geometry = try specification.geometry()
    }

    /// Operations by operator, in the names of device classes.
    typealias Counts = [String: Int64]

    /// The operations of a module for one example.
    func counts(of slot: ModuleSlot) -> Counts {
        switch (slot.kind, slot.layer) {
        case (.expert, .some(let layer)): expert(layer)
        case (.bypass, .some(let layer)): bypass(layer)
        case (.stem, _): stem()
        case (.head, _): head()
        default: selector()
        }
    }

    /// The operators that a module needs, in the names of device classes.
    func operators(of slot: ModuleSlot) -> Set<String> { Set(counts(of: slot).keys) }

    private func expert(_ number: Int) -> Counts {
        let layer = specification.layers[number]
        let (input, output) = (geometry.input(of: number), geometry.layers[number])
        let positions = output.plane?.count ?? 1
        let isPlane = layer.block == .convolution
        let first = input.channels * (isPlane ? layer.kernel.reduce(1, *) : 1) * layer.inner
        let second = layer.inner * (isPlane ? layer.outputKernel.reduce(1, *) : 1) * output.channels
        let inner = layer.inner * positions
        var counts: Counts = [product(isPlane): Int64(2 * (first + second) * positions)]
        // The gate's product and the sum into the layer's output are part of the module's price.
        add(inner + output.count, "multiply", to: &counts)
        add(2 * inner, layer.innerNorm ? "group_norm" : product(isPlane), to: &counts)
        add(inner, layer.activation.rawValue, to: &counts)
        return counts
    }

    private func bypass(_ number: Int) -> Counts {
        let (input, output) = (geometry.input(of: number), geometry.layers[number])
        var counts: Counts = ["multiply": Int64(2 * output.count)]
        if input == output {
            add(output.count, "multiply", to: &counts)
        } else {
            add(2 * input.channels * output.count, product(output.plane != nil), to: &counts)
        }
        return counts
    }

    private func stem() -> Counts {
        var counts: Counts = [:]
        switch specification.stem.kind {
        case .none: break
        case .dense: add(2 * geometry.input.count * geometry.stem.count, "linear", to: &counts)
        case .convolution:
            let window = geometry.input.channels * specification.stem.kernel.reduce(1, *)
            add(2 * window * geometry.stem.count, "conv2d", to: &counts)
        }
        if specification.stem.kind != .none {
            add(2 * geometry.stem.count, "group_norm", to: &counts)
            add(geometry.stem.count, "relu", to: &counts)
        }
        for (number, layer) in specification.layers.enumerated() {
            let (input, output) = (geometry.input(of: number), geometry.layers[number])
            add(2 * output.count, "group_norm", to: &counts)
            add(output.count, layer.activation.rawValue, to: &counts)
            guard layer.skip else { continue }
            add(output.count, "multiply", to: &counts)
            if input != output { add(2 * input.channels * output.count, product(output.plane != nil), to: &counts) }
        }
        return counts
    }

    private func head() -> Counts {
        var counts: Counts = ["linear": Int64((2 * geometry.head + 1) * specification.classes)]
        if let last = geometry.layers.last, last.plane != nil, specification.head.pool {
            add(last.count, "avg_pool2d", to: &counts)
        }
        return counts
    }

    private func selector() -> Counts {
        var counts: Counts = [:]
        if specification.selector.pool != nil { add(geometry.input.count, "avg_pool2d", to: &counts) }
        var width = geometry.selector
        for next in specification.selector.widths {
            add((2 * width + 1) * next, "linear", to: &counts)
            add(next, "relu", to: &counts)
            width = next
        }
        for layer in specification.layers {
            add(2 * width * layer.choices, "linear", to: &counts)
            add(5 * layer.choices, "softmax", to: &counts)
        }
        return counts
    }

    private func product(_ isPlane: Bool) -> String { isPlane ? "conv2d" : "linear" }

    private func add(_ count: Int, _ name: String, to counts: inout Counts) { counts[name, default: 0] += Int64(count) }
}
