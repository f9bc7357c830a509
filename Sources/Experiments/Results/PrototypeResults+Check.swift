extension PrototypeResults {
    /// Throws an ``ExperimentError`` that says where the results contradict themselves.
    public func check() throws {
        let check = ResultsCheck(place: "prototype \(name)")
        try check.require(schema == Self.currentSchema, "the layout must be \(Self.currentSchema), not \(schema)")
        try check.name(name)
        try check.text(title, "the title")
        try check.text(command, "the command")
        try check.unique(stages.map(\.name), "stage")
        for stage in stages {
            let check = check.within("stage \(stage.name)")
            try check.ascending(stage.epochs.map(\.epoch), strictly: true, "epochs")
            try check.shares(stage.epochs.compactMap(\.validationAccuracy), "accuracies")
            for epoch in stage.epochs {
                try check.require(
                    epoch.loss.isFinite && (epoch.regularisation ?? 0).isFinite,
                    "the loss of epoch \(epoch.epoch) is no number: training diverged")
            }
        }
        try routing?.check(check.within("routing"))
        try check.unique(caps.map { [$0.row, $0.method.rawValue] }, "the size caps of")
        for result in caps { try result.check(check.within("size caps of \(result.method)")) }
        try check.unique(modules.map(\.module), "module")
        try check.amounts(
            modules.flatMap { [$0.parameters, $0.bytes, $0.flops, $0.peakTrainingMemory] } + [modelBytes], "costs")
    }
}
