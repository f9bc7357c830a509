/// The weights of a layer's present modules, side by side: n modules of inner width h are one block of inner width n · h.
///
/// Shapes, for planes (flat features lack the kernel's extents): `w1` [n·h, in, kh, kw], `w2` [out, n·h, kh', kw'], norm
/// and bias [n·h].
final class ModuleLayer {
    let specification: LayerSpecification
    let input: NetworkGeometry.Features
    let output: NetworkGeometry.Features
    /// The shrunk modules that are present, ascending.
    let experts: [Int]
    let hasBypass: Bool
    var first: Tensor?
    var second: Tensor?
    var normWeight: Tensor?
    var normBias: Tensor?
    var bypass: Tensor?

    init(
        _ specification: LayerSpecification, input: NetworkGeometry.Features, output: NetworkGeometry.Features,
        modules: [Int]
    ) throws {
        self.specification = specification
        self.input = input
        self.output = output
        experts = modules.filter { $0 < specification.modules }
        hasBypass = modules.contains(specification.modules) && specification.bypass
        if !experts.isEmpty {
            let width = experts.count * specification.inner
            first = try Tensor.zeros([width, input.channels] + kernel).requireGradient()
            second = try Tensor.zeros([output.channels, width] + outputKernel).requireGradient()
            if specification.innerNorm { normWeight = try Tensor.full([width], 1).requireGradient() }
            normBias = try Tensor.zeros([width]).requireGradient()
        }
        if hasBypass { bypass = try Tensor.full(bypassShape, 1).requireGradient() }
    }

    private var kernel: [Int] { specification.block == .convolution ? specification.kernel : [] }
    private var outputKernel: [Int] { specification.block == .convolution ? specification.outputKernel : [] }
    /// Whether the residual module keeps the shape, and so is one factor a channel, or projects.
    var keepsShape: Bool { input == output }
    private var bypassShape: [Int] {
        keepsShape ? [output.channels] : [output.channels, input.channels] + (output.plane == nil ? [] : [1, 1])
    }

    /// The tensors of one module and their shapes, in order.
    func shapes(of module: Int) -> [(name: String, shape: [Int])] {
        guard module < specification.modules else { return [(keepsShape ? "scale" : "weight", bypassShape)] }
        let inner = specification.inner
        return [("w1", [inner, input.channels] + kernel)]
            + (specification.innerNorm ? [("norm.weight", [inner]), ("norm.bias", [inner])] : [("bias", [inner])])
            + [("w2", [output.channels, inner] + outputKernel)]
    }

    /// The part of the layer's tensors that is one module's, as views.
    private func views(of module: Int) throws -> [(name: String, view: Tensor)] {
        if module == specification.modules, let bypass { return [(keepsShape ? "scale" : "weight", bypass)] }
        guard let position = experts.firstIndex(of: module), let first, let second, let normBias else {
            throw LearningError(
                .specification, "layer \(specification.name) has the modules \(experts), not \(module)")
        }
        let start = position * specification.inner
        func rows(_ tensor: Tensor) throws -> Tensor {
            try tensor.narrowed(dimension: 0, start: start, length: specification.inner)
        }
        var views = [("w1", try rows(first))]
        if let normWeight {
            views += [("norm.weight", try rows(normWeight)), ("norm.bias", try rows(normBias))]
        } else {
            views.append(("bias", try rows(normBias)))
        }
        views.append(("w2", try second.narrowed(dimension: 1, start: start, length: specification.inner)))
        return views
    }

    func tensors(of module: Int) throws -> ModuleTensors {
        try Tensor.withoutGradient {
            ModuleTensors(
                try views(of: module).map { name, view in
                    .init(name: name, shape: view.shape, values: try view.contiguous().scalars())
                })
        }
    }

    func load(_ tensors: ModuleTensors, into module: Int) throws {
        try Tensor.withoutGradient {
            let views = try views(of: module)
            try tensors.check(shapes(of: module), owner: "module \(module) of layer \(specification.name)")
            for (name, view) in views { try view.assign(try Tensor(try tensors[name].values, shape: view.shape)) }
        }
    }

    /// Some of the modules, their weights selected from this layer's so that gradients flow back.
    func view(of modules: [Int]) throws -> ModuleLayer {
        let present = experts + (hasBypass ? [specification.modules] : [])
        if let missing = modules.first(where: { !present.contains($0) }) {
            throw LearningError(
                .specification, "layer \(specification.name) has the modules \(present), not \(missing)")
        }
        guard modules != present else { return self }
        let positions = modules.compactMap { experts.firstIndex(of: $0) }
        let inner = specification.inner
        let rows = positions.flatMap { Array($0 * inner..<($0 + 1) * inner) }
        return try ModuleLayer(viewing: self, experts: positions.map { experts[$0] }, rows: rows, modules: modules)
    }

    private init(viewing layer: ModuleLayer, experts: [Int], rows: [Int], modules: [Int]) throws {
        specification = layer.specification
        input = layer.input
        output = layer.output
        self.experts = experts
        hasBypass = layer.hasBypass && modules.contains(layer.specification.modules)
        if !rows.isEmpty {
            first = try layer.first?.selected(dimension: 0, indices: rows)
            second = try layer.second?.selected(dimension: 1, indices: rows)
            normWeight = try layer.normWeight?.selected(dimension: 0, indices: rows)
            normBias = try layer.normBias?.selected(dimension: 0, indices: rows)
        }
        if hasBypass { bypass = layer.bypass }
    }

    var parameters: [(name: String, tensor: Tensor)] {
        [("w1", first), ("norm.weight", normWeight), ("norm.bias", normBias), ("w2", second), ("bypass", bypass)]
            .compactMap { name, tensor in tensor.map { (name, $0) } }
    }

    /// The gated sum of the present modules: before the layer's norm.
    ///
    /// - Parameter gates: `[B, present]`, the residual module last; `nil` gives each module the weight `unit`.
    func forward(_ x: Tensor, gates: Tensor?, unit: Float, normalise: Normaliser) throws -> Tensor? {
        var sum: Tensor?
        if let first, let second {
            var inner: Tensor
            if specification.block == .convolution {
                inner = try x.convolution2D(
                    weight: first, bias: nil, stride: specification.stride, padding: specification.kernel.map { $0 / 2 }
                )
            } else {
                inner = try x.linear(weight: first, bias: specification.innerNorm ? nil : normBias)
            }
            if specification.innerNorm {
                inner = try normalise(inner, groups: experts.count, weight: normWeight, bias: normBias)
            } else if specification.block == .convolution, let normBias {
                inner = try inner + normBias.reshaped([1, normBias.count, 1, 1])
            }
            inner = try inner.activated(specification.activation)
            if let gates {
                var weights = hasBypass ? try gates.narrowed(dimension: 1, start: 0, length: experts.count) : gates
                if specification.inner > 1 {
                    weights = try weights.repeatedInterleaved(specification.inner, dimension: 1)
                }
                if specification.block == .convolution {
                    weights = try weights.reshaped(weights.shape + [1, 1])
                }
                inner = try inner * weights
            } else if unit != 1 {
                inner = try inner * unit
            }
            sum =
                specification.block == .convolution
                ? try inner.convolution2D(
                    weight: second, bias: nil, stride: [1, 1], padding: specification.outputKernel.map { $0 / 2 })
                : try inner.linear(weight: second, bias: nil)
        }
        if let bypass {
            var passed = try self.passed(x, bypass)
            if let gates {
                let gate = try gates.narrowed(dimension: 1, start: experts.count, length: 1)
                passed = try passed * (output.plane == nil ? gate : gate.reshaped(gate.shape + [1, 1]))
            } else if unit != 1 {
                passed = try passed * unit
            }
            sum = try sum.map { try $0 + passed } ?? passed
        }
        return sum
    }

    private func passed(_ x: Tensor, _ weight: Tensor) throws -> Tensor {
        guard !keepsShape else {
            return try x * (output.plane == nil ? weight : weight.reshaped([1, weight.count, 1, 1]))
        }
        return try x.projected(weight, stride: specification.stride, isPlane: output.plane != nil)
    }
}

extension Tensor {
    /// A linear map of the channels, at every stride-th position of planes.
    func projected(_ weight: Tensor, stride: [Int], isPlane: Bool) throws -> Tensor {
        try isPlane
            ? convolution2D(weight: weight, bias: nil, stride: stride, padding: [0, 0])
            : linear(weight: weight, bias: nil)
    }

    /// In place where it can be: the backward steps of norms and products before it need their inputs, not their outputs.
    func activated(_ kind: ActivationKind) throws -> Tensor {
        switch kind {
        case .relu: try reluInPlace()
        case .gelu: try gelu()
        }
    }
}

extension ModuleTensors {
    /// - Throws: ``LearningError`` with `specification` when the tensors are not those that the network has there.
    func check(_ expected: [(name: String, shape: [Int])], owner: String) throws {
        for (name, shape) in expected {
            let entry = try self[name]
            guard entry.shape == shape, entry.values.count == shape.reduce(1, *) else {
                throw LearningError(
                    .specification, "\(owner): tensor \(name) has the shape \(entry.shape), the network has \(shape)")
            }
        }
        guard entries.count == expected.count else {
            throw LearningError(
                .specification,
                "\(owner) has \(entries.count) tensors, the network \(expected.count): "
                    + expected.map(\.name).joined(separator: ", "))
        }
    }
}
