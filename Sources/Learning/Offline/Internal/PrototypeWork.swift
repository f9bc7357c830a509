import ECLMCore

/// The state of a prototype in the making.
struct PrototypeWork {
    let prototype: Prototype
    private let path: String?
    private let identity: PrototypeIdentity
    var position: PrototypePosition
    private(set) var network: ModularNetwork
    private var optimizer: Optimizer
    private var abilityLoss: AbilityLoss?
    private let sampler: SubModelSampler?

    init(_ prototype: Prototype, checkpoint path: String?) throws {
        self.prototype = prototype
        self.path = path
        let identity = PrototypeIdentity(prototype)
        self.identity = identity
        let saved = try path.flatMap { try PrototypeCheckpoint.read($0, for: identity) }
        let stage = saved?.position.stage ?? (prototype.settings.dense == nil ? .endToEnd : .dense)
        position = saved?.position ?? PrototypePosition(stage: stage)
        network = try ModularNetwork(
            prototype.specification, seed: prototype.seed, gating: stage == .dense ? .unit(1) : .selector)
        let sizes = try SizeCap(network)
        sampler = prototype.settings.abilityEnhancing?.subModels.map {
            SubModelSampler($0, data: prototype.data, sizes: sizes)
        }
        optimizer = try Self.optimizer(prototype, network, stage)
        if let saved { try restore(saved) }
        if position.stage == .abilityEnhancing { abilityLoss = try AbilityLoss(position.history.masks) }
    }

    /// Steps made of all stages.
    var stepsDone: Int {
        let before = PrototypeStage.allCases.prefix { $0 != position.stage }
        return before.reduce(position.step) { $0 + prototype.steps(of: $1) }
    }

    // MARK: Stages

    /// Makes the steps of the stage that are left.
    mutating func runStage(onStep: (PrototypeProgress) throws -> Void) throws {
        guard let training = prototype.training(of: position.stage) else { return }
        let perEpoch = prototype.stepsPerEpoch(training)
        let total = prototype.steps(of: position.stage)
        let (before, all) = (stepsDone - position.step, prototype.totalSteps)
        var order: [Int] = []
        while position.step < total {
            let epoch = position.step / perEpoch
            if order.isEmpty || position.step % perEpoch == 0 {
                var generator = prototype.generator(position.stage, .order, epoch)
                order = generator.shuffled(Array(0..<prototype.data.training.count))
            }
            let start = position.step % perEpoch * training.batch
            let rows = Array(order[start..<min(start + training.batch, order.count)])
            let loss = try step(rows, training, total: total)
            if position.step % perEpoch == 0 { try endEpoch(epoch + 1) }
            if position.step % prototype.settings.checkpointSteps == 0, position.step < total { try save() }
            try onStep(
                PrototypeProgress(
                    stage: position.stage, step: position.step, steps: total, done: before + position.step, total: all,
                    loss: loss))
        }
    }

    /// One step: loss, gradients, weights. Counts it.
    private mutating func step(_ rows: [Int], _ training: TrainingSettings, total: Int) throws -> Double {
        let terms = try terms(of: rows)
        let loss = try terms.auxiliary.map { try terms.task + $0 * terms.weight } ?? terms.task
        let (task, auxiliary) = (Double(try terms.task.item()), Double(try terms.auxiliary?.item() ?? 0))
        guard task.isFinite, auxiliary.isFinite else {
            throw diverged("the loss is \(task.isFinite ? auxiliary : task)", training)
        }
        try loss.backward()
        try optimizer.step(scale: training.rateScale(step: position.step, of: total))
        position.step += 1
        position.lossSum += task * Double(rows.count)
        position.auxiliarySum += auxiliary * Double(rows.count)
        position.examples += Double(rows.count)
        return task + auxiliary * Double(terms.weight)
    }

    /// What a batch's loss is made of.
    private struct Terms {
        var task: Tensor
        var auxiliary: Tensor?
        var weight: Float = 0
    }

    private func terms(of rows: [Int]) throws -> Terms {
        let data = prototype.data
        func labels(_ rows: [Int]) -> [Int] { rows.map { data.training.labels[$0] } }
        switch position.stage {
        case .dense, .done:
            let result = try network.forward(data.training.batch(rows))
            return Terms(task: try result.logits.crossEntropy(labels: labels(rows)))
        case .endToEnd:
            let stage = prototype.settings.endToEnd
            var options = ForwardOptions()
            if stage.noise {
                options.noise = RoutingNoise(prototype.generator(.endToEnd, .noise, position.step))
            }
            let epoch = position.step / prototype.stepsPerEpoch(stage.training)
            let topK =
                epoch < stage.openEpochs ? Int.max : stage.topK ?? prototype.specification.selector.topK
            options.topK = topK
            let result = try network.forward(data.training.batch(rows), options: options)
            let task = try result.logits.crossEntropy(labels: labels(rows))
            guard stage.balance > 0 else { return Terms(task: task) }
            let balance = try result.routing.map { try LoadBalance.loss($0, topK: topK) }
            return Terms(task: task, auxiliary: try mean(balance), weight: stage.balance)
        case .abilityEnhancing:
            let stage = prototype.settings.abilityEnhancing ?? AbilityStage()
            var rows = rows
            var taught = network
            var generator = prototype.generator(.abilityEnhancing, .sampling, position.step)
            if let sample = try sampler?.draw(network, batch: rows.count, using: &generator) {
                rows = sample.rows
                taught = try network.view(sample.modules)
            }
            let x = try data.training.batch(rows)
            let task = try taught.forward(x).logits.crossEntropy(labels: labels(rows))
            guard stage.divergence > 0, let abilityLoss else { return Terms(task: task) }
            let divergence = try abilityLoss(
                scores: network.selector.scores(x), subTasks: rows.map { data.subTasks[$0] })
            return Terms(task: task, auxiliary: divergence, weight: stage.divergence)
        }
    }

    private func mean(_ terms: [Tensor]) throws -> Tensor? {
        guard var sum = terms.first else { return nil }
        for term in terms.dropFirst() { sum = try sum + term }
        return try sum / Float(terms.count)
    }

    private mutating func endEpoch(_ epoch: Int) throws {
        let validation = try prototype.data.validation.map { try evaluate(network, on: $0).accuracy }
        position.history.epochs.append(
            .init(
                stage: position.stage, epoch: epoch, loss: position.lossSum / position.examples,
                auxiliary: position.auxiliarySum / position.examples, validationAccuracy: validation))
        (position.lossSum, position.auxiliarySum, position.examples) = (0, 0, 0)
    }

    /// Goes from a finished stage to the next one that there is, and keeps the state.
    mutating func enterNextStage() throws {
        let finished = position.stage
        switch finished {
        case .dense:
            network = try ModularNetwork.grown(from: network, seed: prototype.seed)
            position.stage = .endToEnd
        case .endToEnd where prototype.settings.abilityEnhancing != nil:
            try prepareAbilityEnhancing()
            position.stage = .abilityEnhancing
        case .endToEnd, .abilityEnhancing, .done:
            position.history.after = try AbilityMap.measure(network.selector, on: prototype.data, topK: .max)
            position.stage = .done
        }
        position.step = 0
        optimizer = try Self.optimizer(prototype, network, position.stage)
        try save()
    }

    private mutating func prepareAbilityEnhancing() throws {
        guard let stage = prototype.settings.abilityEnhancing else { return }
        let maps = try AbilityMap.measure(network.selector, on: prototype.data, topK: .max)
        // H is of the gates as stage 1 had them. Over all modules they are so even that no load would reach κ1.
        let trained = prototype.settings.endToEnd.topK ?? prototype.specification.selector.topK
        let mapping = try AbilityMap.measure(network.selector, on: prototype.data, topK: trained)
        let masks = try zip(mapping, prototype.specification.layers).map { map, layer in
            try AbilityMask.solve(
                map, modules: layer.modules, load: stage.moduleLoad, perSubTask: stage.modulesPerSubTask,
                limits: stage.solver)
        }
        position.history.before = maps
        position.history.masks = masks
        abilityLoss = try AbilityLoss(masks)
    }

    // MARK: State

    private static func optimizer(
        _ prototype: Prototype, _ network: ModularNetwork, _ stage: PrototypeStage
    ) throws -> Optimizer {
        // Of a stage that trains nothing there are no moments to keep.
        guard let settings = prototype.training(of: stage) else {
            return try Optimizer([], settings: TrainingSettings())
        }
        let parameters = network.parameters.filter {
            !($0.part == .selector && (stage == .dense || settings.freezesSelector))
        }
        return try Optimizer(parameters, settings: settings)
    }

    private mutating func save() throws {
        guard let path else { return }
        for parameter in network.parameters where try !parameter.tensor.isFinite {
            throw diverged("\(parameter.name) has values that are not finite", prototype.training(of: position.stage))
        }
        var tensors: [ModuleTensors.Entry] = []
        for slot in network.slots {
            tensors += try network.tensors(of: slot).entries.map { entry in
                .init(name: "module/\(slot.defaultName)/\(entry.name)", shape: entry.shape, values: entry.values)
            }
        }
        for (name, moments) in [("first", optimizer.first), ("second", optimizer.second)] {
            tensors += try moments.enumerated().map {
                .init(name: "optimizer/\(name)/\($0)", shape: $1.shape, values: try $1.scalars())
            }
        }
        try PrototypeCheckpoint(
            identity: identity, position: position, tensors: tensors, optimizerSteps: optimizer.steps
        ).write(to: path)
    }

    private mutating func restore(_ saved: PrototypeCheckpoint) throws {
        let byName = Dictionary(saved.tensors.map { (ExactText($0.name), $0) }, uniquingKeysWith: { first, _ in first })
        func entry(_ name: String) throws -> ModuleTensors.Entry {
            guard let entry = byName[ExactText(name)] else {
                throw LearningError(.checkpoint, "the checkpoint lacks the tensor \(name); remove it to start again")
            }
            return entry
        }
        for slot in network.slots {
            let tensors = try network.tensors(of: slot).entries.map { own in
                let saved = try entry("module/\(slot.defaultName)/\(own.name)")
                return ModuleTensors.Entry(name: own.name, shape: saved.shape, values: saved.values)
            }
            try network.load(ModuleTensors(tensors), into: slot)
        }
        func moments(_ name: String, _ count: Int) throws -> [Tensor] {
            try (0..<count).map {
                let saved = try entry("optimizer/\(name)/\($0)")
                return try Tensor(saved.values, shape: saved.shape)
            }
        }
        try optimizer.restore(
            first: moments("first", optimizer.first.count), second: moments("second", optimizer.second.count),
            steps: saved.optimizerSteps)
    }

    private func diverged(_ what: String, _ training: TrainingSettings?) -> LearningError {
        let key = position.stage == .dense ? "dense" : "\(position.stage.rawValue).training"
        let epoch = training.map { ", epoch \(position.step / prototype.stepsPerEpoch($0) + 1)" } ?? ""
        let advice =
            training.map {
                "lower \(key).rate (\($0.rate))"
                    + ($0.clipNorm.map { " or \(key).clip_norm (\($0))" } ?? " or set \(key).clip_norm, such as 1")
            } ?? "lower the rate"
        return LearningError(
            .diverged,
            "training diverged at step \(position.step + 1) of \(position.stage.rawValue)\(epoch): \(what); \(advice)"
                + (path.map { "; the last good state is kept in \($0)" } ?? ""))
    }
}
