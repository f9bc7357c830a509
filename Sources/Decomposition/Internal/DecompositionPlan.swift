import ECLMCore

/// All modules that a decomposition will make: everything checked, nothing written yet.
struct DecompositionPlan {
    /// One module to make.
    struct Module {
        let slot: ModuleSlot
        let slices: [TensorSlice]
        let metadata: [ExactText: String]
        let flops: Int64
        let activationBytes: Int64
        let operators: Set<String>
        let importance: Double
    }

    let blocks: [BlockPlan]
    let modules: [Module]

    init(_ specification: DecompositionSpecification, _ checkpoint: SafetensorsFile) throws(DecompositionError) {
        var claims = TensorClaims(checkpoint: checkpoint)
        var blocks: [BlockPlan] = []
        for (position, layer) in specification.layers.enumerated() {
            blocks.append(try BlockPlan(layer, path: "layers[\(position)]", claims: &claims))
        }
        self.blocks = blocks
        let parts = try Self.sharedParts(specification, claims.remaining)
        try Self.checkFinite(checkpoint)
        var modules: [Module] = []
        for part in SharedSpecification.Part.allCases {
            guard let tensors = parts[part] else { continue }
            modules.append(Self.shared(part, tensors, specification))
        }
        for (position, block) in blocks.enumerated() {
            modules += try Self.modules(of: block, layer: position, specification)
        }
        self.modules = modules.sorted { $0.slot < $1.slot }
    }

    private static func sharedParts(
        _ specification: DecompositionSpecification, _ tensors: [TensorView]
    ) throws(DecompositionError) -> [SharedSpecification.Part: [TensorView]] {
        var parts: [SharedSpecification.Part: [TensorView]] = [:]
        for tensor in tensors {
            guard let part = specification.shared.part(for: tensor.name) else {
                throw DecompositionError(
                    .unclaimedTensor,
                    "no layer and no rule of shared takes tensor \(tensor.name.debugDescription); add a rule, or say with "
                        + "shared.rest where the rest goes")
            }
            parts[part, default: []].append(tensor)
        }
        return parts
    }

    private static func checkFinite(_ checkpoint: SafetensorsFile) throws(DecompositionError) {
        for tensor in checkpoint.tensors {
            guard let position = tensor.firstNonFinite() else { continue }
            throw DecompositionError(
                .nonFinite,
                "tensor \(tensor.name.debugDescription) is NaN or infinite at element \(position); a checkpoint of a "
                    + "diverged training cannot be imported")
        }
    }

    private static func shared(
        _ part: SharedSpecification.Part, _ tensors: [TensorView], _ specification: DecompositionSpecification
    ) -> Module {
        let traits = specification.shared.traits[part] ?? .init()
        let input = specification.input
        let estimate = tensors.filter { $0.dtype.isFloatingPoint && $0.shape.count >= 2 }.map {
            Count.product(2, $0.elementCount, input.tokens, input.height ?? 1, input.width ?? 1)
        }
        return Module(
            slot: ModuleSlot(kind: part.kind, layer: nil, index: 0),
            slices: tensors.map { TensorSlice(name: $0.name, source: $0, selection: nil) },
            metadata: ["eclm.block": part.rawValue], flops: traits.flops ?? Count.sum(estimate),
            activationBytes: traits.activationBytes, operators: traits.operators, importance: 0)
    }

    private static func modules(
        of block: BlockPlan, layer: Int, _ specification: DecompositionSpecification
    ) throws(DecompositionError) -> [Module] {
        let ranges = block.layer.innerRanges(width: block.width)
        let importances = try block.importances(ranges, specification.importance)
        var modules: [Module] = []
        for (index, range) in ranges.enumerated() {
            modules.append(
                Module(
                    slot: ModuleSlot(kind: .expert, layer: layer, index: index), slices: block.slices(range),
                    metadata: block.metadata(range), flops: block.flops(range.count),
                    activationBytes: block.activationBytes(range.count), operators: block.operators,
                    importance: importances[index]))
        }
        if block.layer.hasBypass {
            // Importance 0: the bypass adds nothing to a dense block's sum, and is chosen where nothing else fits.
            modules.append(
                Module(
                    slot: ModuleSlot(kind: .bypass, layer: layer, index: ranges.count), slices: [],
                    metadata: ["eclm.block": "bypass"], flops: 0, activationBytes: 0, operators: [], importance: 0))
        }
        return modules
    }
}

extension DecompositionPlan.Module {
    /// The module's blob, and what it holds in the order of the file.
    func blob() throws(DecompositionError) -> (bytes: [UInt8], tensors: [TensorDescription]) {
        let layout: SafetensorsLayout
        do throws(SafetensorsError) {
            layout = try SafetensorsLayout(tensors: slices.map(\.description), metadata: metadata)
        } catch {
            throw DecompositionError(
                .invalidModule, "module \(slot.defaultName) cannot be written: \(error.message)", cause: error)
        }
        let sources = Dictionary(uniqueKeysWithValues: slices.map { ($0.name, $0) })
        let bytes = [UInt8](unsafeUninitializedCapacity: layout.byteCount) { buffer, count in
            let output = UnsafeMutableRawBufferPointer(buffer)
            output.copyBytes(from: layout.headerBytes)
            for entry in layout.header.entries {
                sources[entry.description.name]?.copy(
                    into: UnsafeMutableRawBufferPointer(rebasing: output[entry.byteRange]))
            }
            count = layout.byteCount
        }
        return (bytes, layout.header.tensors)
    }
}
