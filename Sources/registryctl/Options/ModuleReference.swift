import ArgumentParser

/// `MODULE` or `MODULE@VERSION` on the command line.
struct ModuleReference: ExpressibleByArgument, Hashable, Sendable {
    var module: String
    var version: Int?

    init?(argument: String) {
        let parts = argument.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let module = parts.first, !module.isEmpty else { return nil }
        self.module = String(module)
        guard parts.count == 2 else { return }
        guard let version = Int(parts[1]), version >= 1 else { return nil }
        self.version = version
    }
}

/// `MODEL`, `MODEL/MODULE` or `MODEL/MODULE@VERSION` on the command line.
struct ObjectReference: ExpressibleByArgument, Hashable, Sendable {
    var model: String
    var module: ModuleReference?

    init?(argument: String) {
        let parts = argument.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let model = parts.first, !model.isEmpty else { return nil }
        self.model = String(model)
        guard parts.count == 2 else { return }
        guard let module = ModuleReference(argument: String(parts[1])) else { return nil }
        self.module = module
    }
}
