import ECLMCore
import EdgeClient
import Learning

/// One run of an adaptation, under the directory's lock.
struct AdaptationRun: Sendable {
    let client: EdgeClient
    let request: AdaptationRequest
    let data: TrainingData
    let directory: AdaptationDirectory
    let fingerprint: Digest
    let onEvent: @Sendable (AdaptationEvent) -> Void

    /// How often a release may be rolled back under a device before it gives up.
    private static let maximumRestarts = 1

    func report() async throws -> AdaptationReport {
        let before = client.registry.traffic
        var transfer = AdaptationReport.Transfer()
        var rolledBack: [Int32] = []
        var left = try await leftover(&transfer)
        while true {
            let resumed: AdaptationReport.Resumption? = left.map { $0.stage == .trained ? .submission : .training }
            var job: AdaptationJob
            if let left { job = left } else { job = try await compose(&transfer) }
            left = nil
            if job.stage == .composed { job = try await train(job) }
            do {
                let update = try await submit(job, &transfer)
                let traffic = client.registry.traffic - before
                transfer.bytesSent = traffic.sent
                transfer.bytesReceived = traffic.received
                return try finish(job, update, resumed, rolledBack, transfer)
            } catch let error as EdgeError where error.isOutdated && rolledBack.count < Self.maximumRestarts {
                rolledBack.append(job.release)
                onEvent(
                    .remark(
                        "release \(job.release) was rolled back meanwhile, so its update was not taken: training once more on the "
                            + "channel's release"))
                try directory.removeJob()
            }
        }
    }

    /// What an interrupted run left for this one to go on with. An update of other data that is ready is handed in first.
    private func leftover(_ transfer: inout AdaptationReport.Transfer) async throws -> AdaptationJob? {
        guard let job = try directory.job() else { return nil }
        if job.fingerprint == fingerprint {
            let isThere =
                job.stage == .trained
                ? (try? AdaptedModel.read(folder: directory.trained)) != nil
                : (try? SubModelManifest(directory: directory.base))?.release == job.release
            if isThere { return job }
        } else if job.stage == .trained, request.submits {
            do {
                _ = try await submit(job, &transfer)
                onEvent(.remark("handed in what an interrupted run had learned from earlier data"))
            } catch let error as EdgeError where error.isOutdated || error.code == .invalidWeights {
                onEvent(.remark("left out what an interrupted run had learned from earlier data: \(error.message)"))
            }
        }
        try directory.removeJob()
        return nil
    }

    // MARK: Composing

    private func compose(_ transfer: inout AdaptationReport.Transfer) async throws -> AdaptationJob {
        onEvent(.stage(.selector))
        let onEvent = onEvent
        let selector = try await client.sharedModule(
            .selector, of: request.model, source: .channel(request.channel)
        ) { onEvent(.transfer($0)) }
        transfer.fetchedBytes += selector.fetchedBytes
        transfer.fetchedModules += selector.fetchedBytes > 0 ? 1 : 0
        onEvent(.stage(.score))
        let data = data
        let importances = try await onOwnThread("training") {
            let files = NetworkFiles(modules: [.selector: selector.path])
            return try ImportanceScoring.importances(of: data, by: files.selector())
        }
        onEvent(.stage(.pull))
        // Of the release that the selector is of: the channel may move on meanwhile.
        let pulled = try await client.pull(
            PullRequest(
                model: request.model, source: .release(selector.release), budget: request.budget,
                importances: importances, minimumPerLayer: request.minimumPerLayer),
            to: directory.base, overwrites: true
        ) { onEvent(.transfer($0)) }
        transfer.fetchedBytes += pulled.fetchedBytes
        transfer.fetchedModules += pulled.fetchedModules
        var held: [HeldModule] = []
        var shared = Budget(memory: 0, flops: 0)
        for module in pulled.composition.modules {
            if let layer = module.slot.layer {
                held.append(
                    HeldModule(
                        layer: layer, index: module.slot.index, memory: module.memory,
                        flops: module.flops, importance: module.importance))
            } else {
                shared.memory = (shared.memory ?? 0) + module.memory
                shared.flops = (shared.flops ?? 0) + module.flops
            }
        }
        let job = AdaptationJob(
            id: AdaptationJob.newID(), stage: .composed, fingerprint: fingerprint, release: pulled.manifest.release,
            importances: importances, held: held, shared: shared, encoding: request.encoding,
            fraction: request.fraction)
        try directory.save(job)
        return job
    }

    // MARK: Training

    private func train(_ composed: AdaptationJob) async throws -> AdaptationJob {
        onEvent(.stage(.train))
        let manifest = try SubModelManifest(directory: directory.base)
        try directory.clearTrained()
        let work = TrainingWork(
            manifest: manifest, folder: directory.base, target: directory.trained, job: composed, request: request,
            data: data, onEvent: onEvent)
        try await onOwnThread("training") { try work.run() }
        var job = composed
        job.stage = .trained
        try directory.save(job)
        return job
    }

    // MARK: Submitting

    private func submit(
        _ job: AdaptationJob, _ transfer: inout AdaptationReport.Transfer
    ) async throws -> AdaptationReport.Update? {
        guard request.submits else { return nil }
        onEvent(.stage(.submit))
        let model = try AdaptedModel.read(folder: directory.trained)
        var metrics: [String: Double] = [:]
        if let before = model.training.before {
            metrics["accuracy_before"] = before.accuracy
            metrics["loss_before"] = before.loss
        }
        if let after = model.training.after {
            metrics["accuracy"] = after.accuracy
            metrics["loss"] = after.loss
        }
        let onEvent = onEvent
        let result = try await client.submit(
            Submission(
                subModelDirectory: directory.base, weights: .directory(directory.trained),
                sampleCount: Int64(model.training.trainedExamples), metrics: metrics, importances: job.importances,
                idempotencyKey: job.idempotencyKey, encoding: job.encoding, fraction: job.fraction)
        ) { onEvent(.transfer($0)) }
        transfer.uploadedBytes += result.uploadedBytes
        return AdaptationReport.Update(
            id: result.updateID.rawValue, status: result.status, isReplay: result.isReplay,
            idempotencyKey: result.idempotencyKey, modules: result.modules, encoding: job.encoding)
    }

    private func finish(
        _ job: AdaptationJob, _ update: AdaptationReport.Update?, _ resumed: AdaptationReport.Resumption?,
        _ rolledBack: [Int32], _ transfer: AdaptationReport.Transfer
    ) throws -> AdaptationReport {
        let model = try AdaptedModel.read(folder: directory.trained)
        let manifest = try SubModelManifest(directory: directory.base)
        var files: [String: String] = [:]
        for module in manifest.modules { files[module.file] = "\(directory.base)/\(module.file)" }
        for name in try FileSystem.names(in: directory.trained) where name.hasSuffix(".safetensors") {
            files[name] = "\(directory.trained)/\(name)"
        }
        try directory.install(job.id, files: files, model: model)
        try directory.removeJob()
        return AdaptationReport(
            model: request.model, release: job.release, resumed: resumed, rolledBack: rolledBack,
            importances: job.importances, modules: manifest.modules.map(\.module), totals: manifest.totals,
            trainedExamples: model.training.trainedExamples, heldOutExamples: model.training.heldOutExamples,
            steps: model.training.steps, before: model.training.before, after: model.training.after,
            warnings: model.training.warnings, update: update, subsets: model.plan.subsets, transfer: transfer)
    }
}
