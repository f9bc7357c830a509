import ECLMCore

/// The checks that a manifest must pass before the database sees it.
struct ManifestCheck {
    /// The most modules a model may have.
    static let maximumModules = 16_384
    /// The most layers a model may have.
    static let maximumLayers = 256

    static func check(_ manifest: ModelManifest) throws(RegistryError) {
        try name(manifest.model, .model)
        guard manifest.summary.unicodeScalars.count <= 4096 else {
            throw invalid("the summary is longer than 4096 characters")
        }
        guard manifest.layers.count <= maximumLayers else {
            throw invalid("\(manifest.layers.count) layers; the limit is \(maximumLayers)")
        }
        guard (1...maximumModules).contains(manifest.modules.count) else {
            throw invalid("\(manifest.modules.count) modules; a publication brings 1 to \(maximumModules)")
        }
        for (number, layer) in manifest.layers.enumerated() {
            guard (1...256).contains(layer.name.unicodeScalars.count),
                (1...64).contains(layer.block.unicodeScalars.count)
            else {
                throw invalid("layer \(number) needs a name of 1 to 256 characters and a block of 1 to 64")
            }
        }
        var names: Set<String> = []
        var places: Set<String> = []
        for module in manifest.modules {
            try check(module, layers: manifest.layers.count)
            guard names.insert(module.name).inserted else { throw invalid("module \(module.name) is given twice") }
            let place = module.slot.layer.map { "layer \($0)" } ?? module.slot.kind.rawValue
            guard places.insert("\(place) index \(module.slot.index)").inserted else {
                throw invalid("two modules claim \(place) index \(module.slot.index)")
            }
        }
    }

    private static func check(_ module: ModelManifest.Module, layers: Int) throws(RegistryError) {
        try name(module.name, .module)
        guard module.slot.kind.isShared == (module.slot.layer == nil) else {
            throw invalid(
                "module \(module.name): experts and bypasses lie in a layer, stem, head and selector in none")
        }
        if let layer = module.slot.layer, !(0..<layers).contains(layer) {
            throw invalid("module \(module.name) lies in layer \(layer), but the manifest has \(layers) layers")
        }
        guard (0..<maximumModules).contains(module.slot.index) else {
            throw invalid("module \(module.name): index \(module.slot.index) is not in 0..<\(maximumModules)")
        }
        guard module.importance.isFinite, module.importance >= 0 else {
            throw invalid("module \(module.name): importance \(module.importance) is not a finite number of at least 0")
        }
        let costs = module.costs
        guard min(costs.bytes, costs.parameters, costs.flops, costs.peakMemory) >= 0 else {
            throw invalid("module \(module.name) has a negative cost")
        }
        for text in module.requirements.operators {
            if let refusal = NameRule.operator.refusal(of: text) { throw invalid("module \(module.name): \(refusal)") }
        }
    }

    /// Refuses a name that breaks its rule.
    static func name(_ text: String, _ rule: NameRule) throws(RegistryError) {
        if let refusal = rule.refusal(of: text) { throw invalid(refusal) }
    }

    private static func invalid(_ message: String) -> RegistryError { RegistryError(.invalidArgument, message) }
}
