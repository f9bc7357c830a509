public import ECLMCore
internal import RegistryProtocol

/// The sub-model that serves a device best within its budget, as the registry composed it and this device checked it.
public struct SubModelComposition: Hashable, Sendable {
    /// A module that was chosen.
    public struct Module: Hashable, Sendable {
        /// The module's name, safe in paths.
        public var module: String
        /// The module's place.
        public var slot: ModuleSlot
        public var version: Int32
        /// The registry's identifier of the version.
        public var moduleVersionID: ModuleVersionID
        /// The digest of its weights.
        public var digest: Digest
        /// The size of its weights in bytes, above 0.
        public var bytes: Int64
        /// The importance it was counted with.
        public var importance: Double
        /// Whether the device said that it holds it.
        public var isHeld: Bool
        /// Peak memory in bytes.
        public var memory: Int64
        /// Operations a sample.
        public var flops: Int64
    }

    /// A module that was left out.
    public struct Excluded: Hashable, Sendable {
        /// The module's name.
        public var module: String
        /// What it was worth.
        public var importance: Double
        /// What the device lacks for it; empty when it was not worth its cost.
        public var reasons: [String]
    }

    /// The model's name, safe in paths.
    public var model: String
    /// The number of the release it was composed from.
    public var release: Int32
    /// The modules, at least one, each once.
    public var modules: [Module]
    /// The budget that counted, after the class's figures filled the gaps.
    public var budget: Budget
    /// What the modules cost together.
    public var totals: Budget
    /// The sum of the chosen modules' importances.
    public var objective: Double
    /// The optimality gap; 0 when the composition is proven optimal.
    public var gap: Double
    /// Whether nothing better fits.
    public var isOptimal: Bool
    /// The resources that kept more modules out.
    public var binding: [Resource]
    /// How long the registry searched, in microseconds.
    public var searchMicroseconds: Int64
    /// What was left out, where that was asked for.
    public var excluded: [Excluded]
}

extension SubModelComposition {
    /// Checks an answer: names that are safe in paths, digests, sizes, places.
    ///
    /// - Throws: ``EdgeError`` with `registryFailed`.
    init(_ answer: Wire.ComposeResponse, _ composition: Wire.Composition) throws(EdgeError) {
        guard NameRule.model.allows(answer.model) else { throw Self.unusable("the model", answer.model) }
        model = answer.model
        release = answer.release
        modules = []
        var names: Set<String> = []
        var sizes: [Digest: Int64] = [:]
        for module in composition.modules {
            guard NameRule.module.allows(module.module), names.insert(module.module).inserted else {
                throw Self.unusable("a module", module.module)
            }
            guard let checked = Module(module) else {
                throw Self.unusable("the digest, size or place of", module.module)
            }
            if let known = sizes.updateValue(checked.bytes, forKey: checked.digest), known != checked.bytes {
                throw Self.unusable("the size of", module.module)
            }
            modules.append(checked)
        }
        guard !modules.isEmpty else { throw EdgeError(.registryFailed, "the registry composed no modules at all") }
        budget = answer.budget?.core ?? Budget()
        let sum = composition.totals
        totals = Budget(memory: sum?.memory, flops: sum?.flops, fetchBytes: sum?.fetchBytes)
        objective = composition.objective
        gap = composition.gap
        isOptimal = composition.optimal
        binding = []
        for resource in composition.binding { binding.append(try resource.known()) }
        searchMicroseconds = answer.solveUs
        excluded = composition.excluded.map(Excluded.init)
    }

    /// Every blob once, and its size.
    var blobs: [Digest: Int64] {
        Dictionary(modules.map { ($0.digest, $0.bytes) }) { first, _ in first }
    }

    private static func unusable(_ what: String, _ name: String) -> EdgeError {
        EdgeError(
            .registryFailed, "the registry's composition gives \(what) \(name.debugDescription), which is unusable")
    }
}

extension SubModelComposition.Module {
    /// The module, or `nil` where its digest, its size or its place is none.
    fileprivate init?(_ module: Wire.ComposedModule) {
        guard let digest = try? Digest(bytes: module.digest), module.bytes > 0, let slot = try? module.slot?.core(),
            slot.kind.isShared == (slot.layer == nil), slot.index >= 0
        else { return nil }
        self.init(
            module: module.module, slot: slot, version: module.version,
            moduleVersionID: ModuleVersionID(module.moduleVersionId), digest: digest, bytes: module.bytes,
            importance: module.importance, isHeld: module.held, memory: module.memory, flops: module.flops)
    }
}

extension SubModelComposition.Excluded {
    init(_ excluded: Wire.ExcludedModule) {
        self.init(module: excluded.module, importance: excluded.importance, reasons: excluded.reasons)
    }
}

extension Wire.Resource {
    /// The resource meant.
    ///
    /// - Throws: ``EdgeError`` with `registryFailed` for one this program does not know.
    func known() throws(EdgeError) -> Resource {
        guard let core else {
            throw EdgeError(
                .registryFailed,
                "the registry speaks of resource \(rawValue), which this program does not know: update it")
        }
        return core
    }
}
