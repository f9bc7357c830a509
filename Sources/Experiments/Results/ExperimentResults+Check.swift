extension ExperimentResults {
    /// Throws an ``ExperimentError`` that says where the results contradict themselves.
    public func check() throws {
        let check = ResultsCheck(place: "experiment \(experiment)")
        try check.require(schema == Self.currentSchema, "the layout must be \(Self.currentSchema), not \(schema)")
        try check.name(experiment)
        try check.text(title, "the title")
        try check.text(command, "the command")
        try check.unique(rows.map { FileName.part($0.name) }, "the row")
        for row in rows { try row.check(check.within("row \(row.name)")) }
        try check.unique(caps.map { [$0.row, $0.method.rawValue] }, "the size caps of")
        for result in caps { try result.check(check.within("size caps of \(result.method) on \(result.row)")) }
        try check.unique(continuous.map { FileName.part($0.row) }, "the continuous run of")
        for result in continuous { try result.check(check.within("continuous run on \(result.row)")) }
        try check.unique(ability.map { FileName.part("\($0.name) \($0.seed)") }, "the routing of")
        for result in ability { try result.check(check.within("routing of \(result.name), seed \(result.seed)")) }
    }
}

extension ExperimentResults.Row {
    fileprivate func check(_ check: ResultsCheck) throws {
        try check.text(name, "the name")
        try check.unique(seeds, "seed")
        try check.require(devices > 0, "there must be devices")
        try check.unique(methods.map(\.method), "method")
        for method in methods {
            let check = check.within("method \(method.method)")
            try check.text(method.title, "the title")
            try check.unique(method.runs.map(\.seed), "seed")
            for run in method.runs {
                try check.require(seeds.contains(run.seed), "seed \(run.seed) is none of the row's")
                try check.require(run.deviceAccuracies.count <= devices, "more accuracies than devices")
                try run.check(check.within("seed \(run.seed)"))
            }
        }
    }
}

extension RunResult {
    fileprivate func check(_ check: ResultsCheck) throws {
        try check.require(!deviceAccuracies.isEmpty, "there must be an accuracy for each device")
        try check.shares(deviceAccuracies, "accuracies")
        try check.shares(curve.map(\.accuracy), "accuracies")
        try check.ascending(curve.map(\.round), strictly: true, "rounds")
        try check.ascending(curve.map(\.bytesUp), strictly: false, "bytes since the start")
        try check.ascending(curve.map(\.bytesDown), strictly: false, "bytes since the start")
        try check.amounts(curve.flatMap { [$0.round, $0.bytesUp, $0.bytesDown] }, "rounds and bytes")
        try check.amounts([bytesUp, bytesDown, localSteps], "bytes and steps")
        try check.amounts(
            [subModelBytes, subModelParameters, peakTrainingMemory, secondsPerBatch], "sizes, memory and times")
    }
}

extension CapResult {
    func check(_ check: ResultsCheck) throws {
        try check.shares(points.map(\.cap), "caps")
        try check.ascending(points.map(\.cap), strictly: true, "caps")
        for point in points {
            try check.require(!point.accuracies.isEmpty, "cap \(point.cap) has no accuracy")
            try check.shares(point.accuracies, "accuracies")
            try check.amounts(
                [point.subModelBytes, point.peakTrainingMemory, point.secondsPerBatch], "sizes, memory and times")
        }
    }
}

extension ContinuousResult {
    fileprivate func check(_ check: ResultsCheck) throws {
        try check.unique(methods.map(\.method), "method")
        for method in methods {
            let check = check.within("method \(method.method)")
            try check.unique(method.runs.map(\.seed), "seed")
            for run in method.runs {
                let steps = run.accuracies.count
                try check.require(
                    steps > 0 && run.seconds.count == steps && run.bytesUp.count == steps
                        && run.bytesDown.count == steps,
                    "all columns of seed \(run.seed) must have one entry a step")
                try check.shares(run.accuracies, "accuracies")
                try check.amounts(run.seconds, "seconds")
                try check.amounts(run.bytesUp + run.bytesDown, "bytes")
            }
        }
    }
}

extension AbilityResult {
    func check(_ check: ResultsCheck) throws {
        try check.require(!subTasks.isEmpty && !layers.isEmpty, "there must be sub-tasks and layers")
        try check.count(layers.count, "layers")
        for layer in layers {
            let check = check.within("layer \(layer.name)")
            let modules = layer.before.first?.count ?? 0
            try check.require(modules > 0, "there must be modules")
            try check.matrix(layer.before, rows: subTasks.count, columns: modules, "gates before")
            try check.matrix(layer.after, rows: subTasks.count, columns: modules, "gates after")
            if let mapping = layer.mapping {
                try check.matrix(mapping, rows: subTasks.count, columns: modules, "the mapping")
            }
        }
    }
}
