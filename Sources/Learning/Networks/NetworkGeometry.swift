/// The shapes of what flows through a network, worked out and checked from its specification.
public struct NetworkGeometry: Hashable, Sendable {
    /// The features between two layers.
    public struct Features: Hashable, Sendable {
        /// Features, or channels of planes.
        public var channels: Int
        /// Height and width of planes; `nil` for flat features.
        public var plane: Plane?

        /// The values of one example.
        public var count: Int { channels * (plane?.count ?? 1) }
        /// The shape of one example.
        public var shape: [Int] { plane.map { [channels, $0.height, $0.width] } ?? [channels] }
    }

    /// Height and width.
    public struct Plane: Hashable, Sendable {
        /// Rows.
        public var height: Int
        /// Columns.
        public var width: Int
        /// Positions.
        public var count: Int { height * width }

        /// What a convolution padded by half of its kernel leaves of the plane.
        func strided(by stride: [Int]) -> Plane {
            Plane(height: (height - 1) / stride[0] + 1, width: (width - 1) / stride[1] + 1)
        }
    }

    /// One example, as it comes in.
    public let input: Features
    /// What the stem makes of it.
    public let stem: Features
    /// What each module layer makes of what is before it.
    public let layers: [Features]
    /// What the classifier sees.
    public let head: Int
    /// What the selector's embedding sees.
    public let selector: Int

    /// What comes into a module layer.
    public func input(of layer: Int) -> Features { layer == 0 ? stem : layers[layer - 1] }
}

extension NetworkSpecification {
    /// Limits on what a document may ask for, so that a wrong number is an error and no machine's memory.
    enum Limit {
        static let layers = 64
        static let modules = 1024
        static let width = 16_384
        static let extent = 4096
        static let kernel = 15
        static let values = 1 << 24
    }

    /// The specification itself, when its parts fit together.
    ///
    /// - Throws: ``LearningError`` with `specification`, which says what to change.
    public func validated() throws -> NetworkSpecification {
        _ = try geometry()
        return self
    }

    /// The shapes of what flows through the network.
    ///
    /// - Throws: ``LearningError`` with `specification` where the parts do not fit together.
    public func geometry() throws -> NetworkGeometry {
        try check(!model.isEmpty && model.utf8.count <= 128, "model needs a name of at most 128 characters")
        try check(
            (input.count == 1 || input.count == 3) && input.allSatisfy { (1...Limit.extent * 4).contains($0) }
                && input.reduce(1, *) <= Limit.values,
            "input \(input) is neither [features] nor [channels, height, width]")
        try check((2...Limit.width).contains(classes), "classes is \(classes); there must be 2 to \(Limit.width)")
        try check((1...Limit.layers).contains(layers.count), "there must be 1 to \(Limit.layers) module layers")
        try check(Set(layers.map(\.name)).count == layers.count, "two module layers have the same name")

        let first = NetworkGeometry.Features(
            channels: input[0],
            plane: input.count == 3 ? NetworkGeometry.Plane(height: input[1], width: input[2]) : nil)
        let stem = try self.stem(of: first)
        var features = stem
        var layers: [NetworkGeometry.Features] = []
        for layer in self.layers {
            features = try self.features(behind: layer, features)
            layers.append(features)
        }
        return NetworkGeometry(
            input: first, stem: stem, layers: layers, head: head.pool ? features.channels : features.count,
            selector: try embedded(first))
    }

    private func stem(of input: NetworkGeometry.Features) throws -> NetworkGeometry.Features {
        switch stem.kind {
        case .none: return input
        case .dense:
            try check((1...Limit.width).contains(stem.width), "stem.width is \(stem.width)")
            return NetworkGeometry.Features(channels: stem.width, plane: nil)
        case .convolution:
            guard let plane = input.plane else {
                throw LearningError(
                    .specification,
                    "a convolution as stem needs an input of [channels, height, width], not \(self.input)")
            }
            try check((1...Limit.width).contains(stem.width), "stem.width is \(stem.width)")
            try check(kernel: stem.kernel, stride: stem.stride, "stem")
            return NetworkGeometry.Features(channels: stem.width, plane: plane.strided(by: stem.stride))
        }
    }

    private func features(
        behind layer: LayerSpecification, _ input: NetworkGeometry.Features
    ) throws -> NetworkGeometry.Features {
        let name = "layer \(layer.name)"
        try check(!layer.name.isEmpty && layer.name.utf8.count <= 128, "a layer needs a name of at most 128 characters")
        try check((1...Limit.width).contains(layer.width), "\(name): width is \(layer.width)")
        try check((1...Limit.modules).contains(layer.modules), "\(name): modules is \(layer.modules)")
        try check(
            layer.inner >= 1 && layer.inner * layer.modules <= Limit.width,
            "\(name): inner is \(layer.inner); modules times inner must be 1 to \(Limit.width)")
        switch layer.block {
        case .dense:
            try check(
                input.plane == nil,
                "\(name): a dense block cannot follow planes \(input.shape); make the stem dense, or the block a convolution"
            )
            return NetworkGeometry.Features(channels: layer.width, plane: nil)
        case .convolution:
            guard let plane = input.plane else {
                throw LearningError(.specification, "\(name): a convolution cannot follow flat features")
            }
            try check(kernel: layer.kernel, stride: layer.stride, name)
            try check(kernel: layer.outputKernel, stride: [1, 1], "\(name): output_kernel")
            return NetworkGeometry.Features(channels: layer.width, plane: plane.strided(by: layer.stride))
        }
    }

    private func embedded(_ input: NetworkGeometry.Features) throws -> Int {
        try check(
            !selector.widths.isEmpty && selector.widths.count <= 8
                && selector.widths.allSatisfy { (1...Limit.width).contains($0) },
            "selector.widths needs 1 to 8 widths")
        let fewest = layers.map(\.choices).min() ?? 0
        try check(
            (1...max(1, layers.map(\.choices).max() ?? 1)).contains(selector.topK),
            "selector.top_k is \(selector.topK); the smallest layer has \(fewest) modules")
        guard let pool = selector.pool else { return input.count }
        guard let plane = input.plane else {
            throw LearningError(.specification, "selector.pool needs an input of [channels, height, width]")
        }
        try check(
            pool.count == 2 && pool[0] >= 1 && pool[1] >= 1 && pool[0] <= plane.height && pool[1] <= plane.width,
            "selector.pool \(pool) does not fit planes of \(plane.height) x \(plane.width)")
        return input.channels * (plane.height / pool[0]) * (plane.width / pool[1])
    }

    private func check(kernel: [Int], stride: [Int], _ owner: String) throws {
        try check(
            kernel.count == 2 && kernel.allSatisfy { $0 % 2 == 1 && (1...Limit.kernel).contains($0) },
            "\(owner): kernel \(kernel) must be two odd numbers up to \(Limit.kernel)")
        try check(
            stride.count == 2 && stride.allSatisfy { (1...Limit.kernel).contains($0) },
            "\(owner): stride \(stride) must be two numbers from 1")
    }

    private func check(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        guard condition else { throw LearningError(.specification, "the network \(model): \(message())") }
    }
}
