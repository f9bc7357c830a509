import ECLMCore

extension CatalogueRelease {
    /// Composes the best sub-model for a query.
    ///
    /// - Throws: ``CompositionError`` with `incompatible` when the device cannot run a shared module, which every sub-model
    ///   carries; with `undecided` when the limit came before any sub-model; with another code for importances that do not
    ///   fit the model and figures out of range.
    public func compose(_ query: CompositionQuery) throws(CompositionError) -> CompositionAnswer {
        try check(query)
        var fixed = ResourceAmounts.zero
        var chosen: [ComposedModule] = []
        for module in shared {
            if let reasons = query.traits.map(module.requirements.unmet), !reasons.isEmpty {
                throw CompositionError(
                    .incompatible,
                    "the device cannot run \(module.module), which every sub-model of \(model) carries: it "
                        + reasons.joined(separator: "; "))
            }
            let part = composed(module, importance: 0, in: query)
            chosen.append(part)
            fixed = try fixed.adding(part.costs)
        }

        var offered: [ComposedModule] = []
        var excluded: [ExcludedModule] = []
        for (layer, modules) in layers.enumerated() {
            for (position, module) in modules.enumerated() {
                let importance = query.importances.isEmpty ? module.importance : query.importances[layer][position]
                let reasons = query.traits.map { module.requirements.unmet(by: $0) } ?? []
                if reasons.isEmpty {
                    offered.append(composed(module, importance: importance, in: query))
                } else {
                    excluded.append(ExcludedModule(module: module, importance: importance, reasons: reasons))
                }
            }
        }

        switch try solve(offered, fixed: fixed, query) {
        case .infeasible(var infeasibility):
            if let lacks = excluded.lacks(inLayers: infeasibility.emptyLayers) { infeasibility.message += ": \(lacks)" }
            return CompositionAnswer(release: number, outcome: .infeasible(infeasibility), excluded: excluded)
        case .undecided(let nodes):
            throw CompositionError(
                .undecided,
                "the search found no sub-model within its time limit (\(nodes) nodes); allow more time or a looser budget"
            )
        case .feasible(let solution):
            let picked = Set(solution.chosen)
            for (index, offer) in offered.enumerated() {
                if picked.contains(index) {
                    chosen.append(offer)
                } else {
                    excluded.append(ExcludedModule(module: offer.module, importance: offer.importance, reasons: []))
                }
            }
            return CompositionAnswer(release: number, outcome: .composed(chosen, solution), excluded: excluded)
        }
    }

    private func solve(
        _ offered: [ComposedModule], fixed: ResourceAmounts, _ query: CompositionQuery
    ) throws(CompositionError) -> CompositionOutcome {
        let problem = try CompositionProblem(
            layerCount: layers.count,
            candidates: offered.map {
                .init(
                    layer: $0.module.slot.layer ?? 0, importance: $0.importance, memory: $0.costs.memory,
                    flops: $0.costs.flops, fetchBytes: $0.costs.fetchBytes)
            },
            budget: query.budget, fixed: fixed, minimumPerLayer: query.minimumPerLayer)
        return CompositionSolver(limits: query.limits).solve(problem)
    }

    private func composed(
        _ module: CatalogueModule, importance: Double, in query: CompositionQuery
    ) -> ComposedModule {
        let measured = query.measured[module.slot]
        let isHeld = query.held.contains(module.digest)
        return ComposedModule(
            module: module,
            costs: ResourceAmounts(
                memory: measured?.memory ?? module.costs.peakMemory, flops: measured?.flops ?? module.costs.flops,
                fetchBytes: isHeld ? 0 : module.costs.bytes),
            importance: importance, isHeld: isHeld)
    }

    private func check(_ query: CompositionQuery) throws(CompositionError) {
        guard !layers.isEmpty else {
            throw CompositionError(.noLayers, "model \(model) has no module layers: there is nothing to compose")
        }
        guard query.minimumPerLayer >= 1 else {
            throw CompositionError(
                .minimum, "at least one module is wanted in every layer, not \(query.minimumPerLayer)")
        }
        guard !query.importances.isEmpty else { return }
        guard query.importances.count == layers.count else {
            throw CompositionError(
                .importance, "importances of \(query.importances.count) layers; \(model) has \(layers.count)")
        }
        for (layer, values) in query.importances.enumerated() {
            guard values.count == layers[layer].count else {
                throw CompositionError(
                    .importance,
                    "\(values.count) importances for layer \(layer), which has \(layers[layer].count) modules")
            }
            if let index = values.firstIndex(where: { !($0.isFinite && $0 >= 0) }) {
                throw CompositionError(
                    .importance,
                    "importance \(values[index]) of module \(index) in layer \(layer) is not a finite number of at least 0"
                )
            }
        }
    }
}
