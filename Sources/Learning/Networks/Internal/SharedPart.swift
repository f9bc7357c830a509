/// What every sub-model has besides its modules, its head and its selector: the stem, and the norms and skips of the
/// layers. All of it is the module stem0.
struct SharedPart {
    /// A norm's scale and shift.
    struct Norm {
        let weight: Tensor
        let bias: Tensor

        fileprivate init(_ width: Int) throws {
            weight = try Tensor.full([width], 1).requireGradient()
            bias = try Tensor.zeros([width]).requireGradient()
        }

        fileprivate func named(_ prefix: String) -> [(name: String, tensor: Tensor)] {
            [("\(prefix).norm.weight", weight), ("\(prefix).norm.bias", bias)]
        }
    }

    /// The stem's product and its norm.
    struct Stem {
        let weight: Tensor
        let norm: Norm
    }

    /// What is behind the modules of a layer.
    struct Layer {
        let norm: Norm
        /// Projects what is added to the modules' sum; `nil` where nothing is, or it has the sum's shape.
        let skip: Tensor?
    }

    /// `nil` for a network without.
    let stem: Stem?
    let layers: [Layer]

    /// All at their constants: norms that change nothing, the rest zero.
    init(_ specification: NetworkSpecification, _ geometry: NetworkGeometry) throws {
        let width = specification.stem.width
        let shape: [Int]? =
            switch specification.stem.kind {
            case .none: nil
            case .dense: [width, geometry.input.count]
            case .convolution: [width, geometry.input.channels] + specification.stem.kernel
            }
        stem = try shape.map { Stem(weight: try Tensor.zeros($0).requireGradient(), norm: try Norm(width)) }
        layers = try specification.layers.enumerated().map { number, layer in
            let (input, output) = (geometry.input(of: number), geometry.layers[number])
            var skip: Tensor?
            if layer.skip, input != output {
                skip = try Tensor.zeros([layer.width, input.channels] + (output.plane == nil ? [] : [1, 1]))
                    .requireGradient()
            }
            return Layer(norm: try Norm(layer.width), skip: skip)
        }
    }

    /// The tensors in a fixed order, by their names in stem0.
    var named: [(name: String, tensor: Tensor)] {
        var named: [(name: String, tensor: Tensor)] = []
        if let stem { named += [("stem.weight", stem.weight)] + stem.norm.named("stem") }
        for (number, layer) in layers.enumerated() {
            named += layer.norm.named("layers.\(number)")
            if let skip = layer.skip { named.append(("layers.\(number).skip.weight", skip)) }
        }
        return named
    }
}
