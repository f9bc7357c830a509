import Datasets
import Learning

/// Runs a row with one seed: stage by stage, the parts of each at the same time.
struct RowRun: Sendable {
    let settings: ExperimentSettings
    let row: ExperimentSettings.Row
    let seed: UInt64
    let options: ExperimentRunner.Options
    let makeCloud: ExperimentRunner.CloudFactory
    let counter: PartCounter
    let onActivity: @Sendable () -> Void

    /// What a row and seed gave.
    struct Parts: Sendable {
        var row: ExperimentSettings.Row
        var seed: UInt64
        var devices: Int
        var fullModel: ExperimentResults.FullModel
        var runs: [MethodCode: RunResult]
        var chosen: [MethodCode: Hyperparameters]
        var search: [SearchRecord]
        var ability: AbilityResult?
        var caps: [MethodCode: [CapMeasurement]]
        var continuous: [MethodCode: ContinuousRun]
    }

    /// What is kept of a row and seed besides runs.
    private struct Summary: Codable {
        var devices: Int
        var fullModel: ExperimentResults.FullModel
    }

    /// What is kept of a search.
    private struct Search: Codable {
        var chosen: Hyperparameters
        var records: [SearchRecord]
    }

    private var methods: [any AdaptationMethod] { MethodCatalogue.methods(for: settings.methods) }
    private var continuousMethods: [MethodCode] { settings.continuous?.methods ?? [] }

    func run() async throws -> Parts {
        let store = try RowWork.store(settings, row, seed: seed, options: options)
        let pool = JobPool(width: options.jobs)
        if !isFinished(store) {
            let work = try await onOwnThread("data") {
                try TensorRuntime.setThreads(1)
                return try RowWork(
                    settings, row, seed: seed, store: store, dataDirectory: options.dataDirectory, makeCloud: makeCloud)
            }
            try await pool.run(trainingJobs(work))
            try await pool.run(searchJobs(work))
            try await pool.run(methodJobs(work) + capJobs(work) + continuousJobs(work))
            if store.load("summary", as: Summary.self) == nil {
                try await pool.run([summaryJob(work)])
            }
        }
        return try parts(store)
    }

    // MARK: - Jobs

    private func job(_ name: String, _ body: @escaping @Sendable () async throws -> Void) -> JobPool.Job {
        counter.expect(1)
        let label = "\(row.key), seed \(seed): \(name)"
        return JobPool.Job(name: label) {
            try TensorRuntime.setThreads(1)
            try await body()
            counter.finish(label)
        }
    }

    private func trainingJobs(_ work: RowWork) throws -> [JobPool.Job] {
        var kinds: [Artifacts.Kind] = []
        var tasks = try (methods + tunedMethods).map { try $0.artifacts(shares: work.shares, costs: work.costs) }
        if settings.continuous != nil {
            tasks += try MethodCatalogue.methods(for: continuousMethods).map {
                try $0.artifacts(shares: work.shares, costs: work.costs)
            }
        }
        tasks += settings.caps?.methods.compactMap { ModularVariant(method: $0).map { [$0.prototype] } } ?? []
        for kind in tasks.flatMap({ $0 }) where !kinds.contains(kind) { kinds.append(kind) }
        return kinds.filter { !work.has($0) }.map { kind in
            job("training \(kind.name)") { try work.make(kind) }
        }
    }

    /// The methods whose hyperparameters are searched.
    private var tunedMethods: [any AdaptationMethod] {
        var tuned: [any AdaptationMethod] = []
        let all = MethodCatalogue.methods(
            for: settings.methods + (settings.caps?.methods ?? []) + continuousMethods)
        for method in all where !method.tuning.isEmpty {
            let searched = searched(for: method)
            if !tuned.contains(where: { $0.codes == searched.codes }) { tuned.append(searched) }
        }
        return tuned
    }

    /// The method whose hyperparameters one takes: ablations of ours take those of the whole, so that they differ in one
    /// thing.
    private func searched(for method: any AdaptationMethod) -> any AdaptationMethod {
        method is ModularMethod ? ModularMethod(variant: .whole) : method
    }

    private func searchJobs(_ work: RowWork) -> [JobPool.Job] {
        tunedMethods.filter { work.store.load(searchName($0), as: Search.self) == nil }.map { method in
            job("search of \(method.codes[method.codes.count - 1])") {
                let shares = Set(row.task.budgetShares).sorted()
                let kinds = try method.artifacts(shares: shares, costs: work.costs)
                for kind in kinds where !work.has(kind) { try work.make(kind) }
                let fleet = try work.pseudoFleet(kinds, onProgress: onActivity)
                let search = HyperparameterSearch(fleet: fleet, settings: settings.search, row: row.name)
                let (best, records) = try await search.run(method)
                try work.store.save(Search(chosen: best, records: records), as: searchName(method))
            }
        }
    }

    private func methodJobs(_ work: RowWork) -> [JobPool.Job] {
        methods.filter { method in
            method.codes.contains { settings.methods.contains($0) && !has($0, work.store) }
        }.map { method in
            job(method.codes.map(\.rawValue).joined(separator: ", ")) {
                let kinds = try method.artifacts(shares: work.shares, costs: work.costs)
                let fleet = try work.fleet(kinds, onProgress: onActivity)
                for (code, run) in try await method.run(on: fleet, hyperparameters(of: method, work.store)) {
                    try work.store.save(run, as: runName(code))
                }
            }
        }
    }

    private func capJobs(_ work: RowWork) -> [JobPool.Job] {
        guard let caps = settings.caps else { return [] }
        return caps.methods.compactMap { ModularVariant(method: $0) }.flatMap { variant in
            caps.shares.compactMap { share in
                let name = capName(variant.code, share, caps)
                guard work.store.load(name, as: CapMeasurement.self) == nil else { return nil }
                return job("\(variant.code) at \(Int((share * 100).rounded())) %") {
                    var fleet = try work.fleet([variant.prototype], onProgress: onActivity)
                    let measurement = try await CapMeasurement.measure(
                        variant, share: share, rounds: caps.rounds, on: &fleet,
                        hyperparameters(of: ModularMethod(variant: variant), work.store))
                    try work.store.save(measurement, as: name)
                }
            }
        }
    }

    private func continuousJobs(_ work: RowWork) -> [JobPool.Job] {
        guard let continuous = settings.continuous else { return [] }
        return continuous.methods.compactMap { code in
            let name = continuousName(code, continuous)
            guard work.store.load(name, as: ContinuousRun.self) == nil,
                let method = MethodCatalogue.methods(for: [code]).first
            else { return nil }
            return job("continuous run of \(code)") {
                let kinds = try method.artifacts(shares: work.shares, costs: work.costs)
                let fleet = try work.fleet(kinds, onProgress: onActivity)
                let stream = ContinuousStream(
                    fleet: fleet, devices: Array(work.task.devices.prefix(continuous.devices)), steps: continuous.steps,
                    hyperparameters: hyperparameters(of: method, work.store))
                try await work.store.save(stream.run(code), as: name)
            }
        }
    }

    private func summaryJob(_ work: RowWork) -> JobPool.Job {
        job("costs of the full model") {
            let net = try ModularNetwork(row.network, seed: seed).subset(row.network.allModules)
            let probe = try TrainingProbe(net, data: work.devices[0].train, batch: settings.federation.batch)
            let slots = Array(work.costs.costs.keys)
            try work.store.save(
                Summary(
                    devices: work.devices.count,
                    fullModel: ExperimentResults.FullModel(
                        bytes: Int(work.costs.bytes(of: slots)),
                        parameters: Int(work.costs.parameters(of: slots)), peakTrainingMemory: probe.peakMemory,
                        secondsPerBatch: probe.secondsPerBatch)), as: "summary")
        }
    }

    // MARK: - What is kept

    private func runName(_ code: MethodCode) -> String { "run-\(FileName.part(code.rawValue))" }
    private func searchName(_ method: any AdaptationMethod) -> String {
        "search-\(FileName.part(method.codes[method.codes.count - 1].rawValue))"
    }
    private func capName(_ code: MethodCode, _ share: Double, _ caps: ExperimentSettings.Caps) -> String {
        "cap-\(FileName.part(code.rawValue))-\(Int((share * 1000).rounded()))-\(caps.rounds)"
    }
    private func continuousName(_ code: MethodCode, _ settings: ExperimentSettings.Continuous) -> String {
        "continuous-\(FileName.part(code.rawValue))-\(settings.steps)-\(settings.devices)"
    }
    private func has(_ code: MethodCode, _ store: RunStore) -> Bool {
        store.load(runName(code), as: RunResult.self) != nil
    }

    private func hyperparameters(of method: any AdaptationMethod, _ store: RunStore) -> Hyperparameters {
        store.load(searchName(searched(for: method)), as: Search.self)?.chosen
            ?? HyperparameterSearch.start(settings.search, settings.federation)
    }

    private func isFinished(_ store: RunStore) -> Bool {
        let caps = settings.caps.map { caps in
            caps.methods.allSatisfy { code in
                caps.shares.allSatisfy { store.load(capName(code, $0, caps), as: CapMeasurement.self) != nil }
            }
        }
        let continuous = settings.continuous.map { continuous in
            continuous.methods.allSatisfy {
                store.load(continuousName($0, continuous), as: ContinuousRun.self) != nil
            }
        }
        return store.load("summary", as: Summary.self) != nil && settings.methods.allSatisfy { has($0, store) }
            && caps ?? true && continuous ?? true
    }

    private func parts(_ store: RunStore) throws -> Parts {
        guard let summary: Summary = store.load("summary") else {
            throw ExperimentError(.storage, "the work directory \(store.directory) has lost its summary; run again")
        }
        var parts = Parts(
            row: row, seed: seed, devices: summary.devices, fullModel: summary.fullModel, runs: [:], chosen: [:],
            search: [], ability: store.load("ability"), caps: [:], continuous: [:])
        for code in settings.methods { parts.runs[code] = store.load(runName(code)) }
        for method in tunedMethods {
            guard let search: Search = store.load(searchName(method)) else { continue }
            parts.chosen[method.codes[method.codes.count - 1]] = search.chosen
            parts.search += search.records
        }
        if let caps = settings.caps {
            for code in caps.methods {
                parts.caps[code] = caps.shares.compactMap { store.load(capName(code, $0, caps)) }
            }
        }
        if let continuous = settings.continuous {
            for code in continuous.methods { parts.continuous[code] = store.load(continuousName(code, continuous)) }
        }
        return parts
    }
}
