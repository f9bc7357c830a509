import CommandSupport
import Composition
import ECLMCore

/// A composed sub-model: what --output json prints, and what the report for people is made of.
struct CompositionDocument: Encodable {
    struct ResourceUse: Encodable {
        var resource: Resource
        /// `nil` where there is no limit.
        var budget: Int64?
        var used: Int64
        var slack: Int64?
        var isBinding: Bool
    }

    struct Module: Encodable {
        var module: String
        var kind: String
        var layer: Int?
        var version: Int
        var digest: String
        var importance: Double
        var memory: Int64
        var flops: Int64
        var fetchBytes: Int64
        var isHeld: Bool
    }

    struct Excluded: Encodable {
        var module: String
        var layer: Int?
        var version: Int
        var importance: Double
        /// What the device lacks; empty where others were worth more within the budget.
        var reasons: [String]
    }

    struct Layer: Encodable {
        var layer: Int
        var chosen: Int
        var offered: Int
        var importance: Double
        var modules: [String]
    }

    var model: String
    var release: Int
    var deviceClass: String?
    var objective: Double
    var bound: Double
    var gap: Double
    var isOptimal: Bool
    var nodes: Int
    var resources: [ResourceUse]
    var modules: [Module]
    var fetch: [String]
    /// Only with --explain.
    var layers: [Layer]?
    /// Only with --explain.
    var excluded: [Excluded]?

    init(
        _ answer: CompositionAnswer, _ chosen: [ComposedModule], _ solution: CompositionSolution, model: String,
        deviceClass: String?, budget: Budget, layers sizes: [Int], explain: Bool
    ) {
        self.model = model
        self.deviceClass = deviceClass
        release = answer.release
        objective = solution.objective
        bound = solution.bound
        gap = solution.gap
        isOptimal = solution.isOptimal
        nodes = solution.nodes
        resources = Resource.allCases.map { resource in
            ResourceUse(
                resource: resource, budget: budget[resource], used: solution.totals[resource],
                slack: budget[resource].map { $0 - solution.totals[resource] },
                isBinding: solution.binding.contains(resource))
        }
        modules = chosen.map {
            Module(
                module: $0.module.module, kind: $0.module.slot.kind.rawValue, layer: $0.module.slot.layer,
                version: $0.module.version, digest: $0.module.digest.description, importance: $0.importance,
                memory: $0.costs.memory, flops: $0.costs.flops, fetchBytes: $0.costs.fetchBytes, isHeld: $0.isHeld)
        }
        fetch = Set(chosen.filter { !$0.isHeld }.map(\.module.digest)).sorted().map(\.description)
        guard explain else { return }
        layers = sizes.indices.map { layer in
            let members = chosen.filter { $0.module.slot.layer == layer }
            return Layer(
                layer: layer, chosen: members.count, offered: sizes[layer],
                importance: members.reduce(0) { $0 + $1.importance },
                modules: members.map { "\($0.module.module)@\($0.module.version)\($0.isHeld ? " (held)" : "")" })
        }
        excluded = answer.excluded.map {
            Excluded(
                module: $0.module.module, layer: $0.module.slot.layer, version: $0.module.version,
                importance: $0.importance, reasons: $0.reasons)
        }
    }
}

/// Why there is no sub-model: the details of the failure.
struct InfeasibilityDocument: Encodable {
    struct Shortfall: Encodable {
        var resource: Resource
        var budget: Int64
        var needed: Int64
        var missing: Int64
        var repairsAlone: Bool
    }

    var model: String
    var release: Int
    var budget: Budget
    var shortfalls: [Shortfall]
    var emptyLayers: [Int]
    var smallestBudget: Budget?
    var isExact: Bool

    init(_ answer: CompositionAnswer, _ infeasibility: Infeasibility, model: String, budget: Budget) {
        self.model = model
        self.budget = budget
        release = answer.release
        shortfalls = infeasibility.shortfalls.map {
            Shortfall(
                resource: $0.resource, budget: $0.budget, needed: $0.needed, missing: $0.missing,
                repairsAlone: $0.repairsAlone)
        }
        emptyLayers = infeasibility.emptyLayers
        smallestBudget = infeasibility.smallestBudget
        isExact = infeasibility.isExact
    }

    /// The smallest budget that would do, as options.
    var hint: String? {
        guard let smallestBudget else { return nil }
        let options = Resource.allCases.compactMap { resource -> String? in
            guard let figure = smallestBudget[resource] else { return nil }
            return "--\(resource.title.replacing(" ", with: "-")) \(figure)"
        }
        return "the smallest budget that would do: \(options.joined(separator: " "))"
    }
}

/// A composition for people.
struct CompositionReport {
    let document: CompositionDocument

    func rendered(width: Int?) -> String {
        var text = headline + "\n\n" + resources.rendered(width: width)
        if let layers = document.layers {
            var table = Table([
                .number("layer"), .number("chosen"), .number("offered"), .number("importance"), "modules",
            ])
            for layer in layers {
                table.add([
                    "\(layer.layer)", "\(layer.chosen)", "\(layer.offered)", Figure.importance(layer.importance),
                    layer.modules.joined(separator: " "),
                ])
            }
            text += "\n" + table.rendered(width: width)
        }
        text += "\n" + modules.rendered(width: width)
        if let excluded = document.excluded, !excluded.isEmpty {
            var table = Table(["left out", .number("layer"), .number("version"), .number("importance"), "why"])
            for module in excluded {
                table.add([
                    module.module, module.layer.map(String.init) ?? "", "\(module.version)",
                    Figure.importance(module.importance),
                    module.reasons.isEmpty
                        ? "others are worth more within the budget" : module.reasons.joined(separator: "; "),
                ])
            }
            text += "\n" + table.rendered(width: width)
        }
        return text
    }

    private var headline: String {
        let proof =
            document.isOptimal
            ? "proved the best" : "at most \(Quantity.decimal(100 * document.gap, places: 2)) % below the best"
        return "\(document.model) release \(document.release)"
            + (document.deviceClass.map { " for \($0)" } ?? "")
            + ": \(document.modules.count) modules, importance \(Figure.importance(document.objective)), \(proof)"
    }

    private var resources: Table {
        var table = Table(["resource", .number("budget"), .number("used"), .number("slack"), "limits"])
        for use in document.resources {
            table.add([
                use.resource.title, use.budget.map { Figure.amount($0, of: use.resource) } ?? "no limit",
                Figure.amount(use.used, of: use.resource),
                use.slack.map { Figure.amount($0, of: use.resource) } ?? "", use.isBinding ? "yes" : "",
            ])
        }
        return table
    }

    private var modules: Table {
        var table = Table([
            "module", "kind", .number("layer"), .number("version"), .number("importance"), .number("memory"),
            .number("flops"), .number("fetch"),
        ])
        for module in document.modules {
            table.add([
                module.module, module.kind, module.layer.map(String.init) ?? "", "\(module.version)",
                module.layer == nil ? "" : Figure.importance(module.importance), Figure.bytes(module.memory),
                Figure.operations(module.flops), module.isHeld ? "held" : Figure.bytes(module.fetchBytes),
            ])
        }
        return table
    }
}
