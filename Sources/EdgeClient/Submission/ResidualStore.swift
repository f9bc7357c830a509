import ECLMCore

/// What a device's updates of a model have not sent yet, module by module, in its state directory.
///
/// ```
/// residuals/MODEL/lock                        held while updates of the model are encoded and submitted
/// residuals/MODEL/MODULE/state.json           which files count, and for which weights
/// residuals/MODEL/MODULE/DIGEST.safetensors   residuals: before the last update, and after it
/// residuals/MODEL/MODULE/outgoing             the update that is being submitted
/// ```
/// A residual counts once the registry has taken the update that it is the rest of. The one before stays as well: whoever
/// submits the same weights again, since a crash or a lost connection kept the answer from them, encodes them with it
/// anew, and so repeats the very update instead of making another. Killed at any instant, the store is as before the
/// update or as after it.
struct ResidualStore: Sendable {
    private let path: String

    init(state: StateDirectory, model: String) throws(EdgeError) {
        guard SubModelManifest.isFileName(model) else {
            throw EdgeError(
                .invalidState, "\(model.debugDescription) is no usable model name: pull the sub-model again")
        }
        path = state.residualsPath + "/" + model
        try FileSystem.createDirectory(path, mode: 0o700)
    }

    /// Runs `body` while no other process encodes updates of the model.
    func whileEncoding<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await FileLock.withLock(path + "/lock", body)
    }

    /// An update of one module that is made but not taken yet.
    struct Step: Sendable {
        var module: String
        /// The update's file.
        var outgoing: String
        fileprivate var state: State
    }

    fileprivate struct State: Codable, Sendable {
        var format = 1
        /// Names the weights, their base and the encoding of the last update.
        var inputs: Digest
        var before: Digest?
        var after: Digest?
    }

    /// Encodes trained weights of a module, with what earlier updates did not send.
    ///
    /// - Throws: ``EdgeError`` with `invalidWeights` where the weights cannot be written in the encoding.
    func encode(
        _ trained: TrainedWeights, base: SafetensorsFile, as encoding: UpdateEncoding, fraction: Double
    ) throws -> Step {
        let module = trained.module.module
        guard SubModelManifest.isFileName(module) else {
            throw EdgeError(
                .invalidState, "\(module.debugDescription) is no usable module name: pull the sub-model again")
        }
        try FileSystem.createDirectory(directory(module), mode: 0o700)
        let inputs = Digest.of(
            Array(
                "\(trained.digest) \(trained.module.digest) \(encoding.rawValue) \(fraction.bitPattern)".utf8))
        let last = state(of: module)
        let before = last?.inputs == inputs ? last?.before : last?.after
        var residual = before.flatMap { self.residual($0, of: module) }
        let bytes: [UInt8]
        let after: [UInt8]?
        do {
            bytes = try UpdateEncoder.encode(
                trained: trained.file, base: base, as: encoding, fraction: fraction, residual: &residual)
            after = try residual?.bytes()
        } catch {
            throw EdgeError(
                .invalidWeights,
                "the weights of \(module) cannot be submitted as \(encoding.rawValue): \(error.explanation)",
                cause: error)
        }
        var state = State(inputs: inputs, before: before)
        if let after {
            let digest = Digest.of(after)
            try FileSystem.replace(file(digest, of: module), with: after, mode: 0o600)
            state.after = digest
        }
        let outgoing = directory(module) + "/outgoing"
        try FileSystem.replace(outgoing, with: bytes, mode: 0o600)
        return Step(module: module, outgoing: outgoing, state: state)
    }

    /// Makes the residuals of an update count that the registry has taken.
    func commit(_ steps: [Step]) throws(EdgeError) {
        for step in steps {
            try FileSystem.replace(
                directory(step.module) + "/state.json", with: try JSONFile.bytes(step.state), mode: 0o600)
            let kept = Set([step.state.before, step.state.after].compactMap { $0 }.map { "\($0.hex).safetensors" })
            for name in try FileSystem.names(in: directory(step.module))
            where name != "state.json" && !kept.contains(name) {
                try FileSystem.remove(directory(step.module) + "/" + name)
            }
        }
    }

    /// The state of a module; `nil` when there is none, or none that can be read: then what was not sent is lost, which
    /// costs a little accuracy and nothing else.
    private func state(of module: String) -> State? {
        guard let bytes = try? FileSystem.contents(of: directory(module) + "/state.json", limit: 1 << 16),
            let state = try? JSONReader().decode(State.self, of: "state.json", from: bytes), state.format == 1
        else { return nil }
        return state
    }

    private func residual(_ digest: Digest, of module: String) -> UpdateResidual? {
        guard let file = try? SafetensorsFile(path: file(digest, of: module), limits: .module),
            file.withUnsafeBytes({ Digest.of($0) }) == digest
        else { return nil }
        return try? UpdateResidual(file: file)
    }

    private func directory(_ module: String) -> String { path + "/" + module }
    private func file(_ digest: Digest, of module: String) -> String {
        directory(module) + "/\(digest.hex).safetensors"
    }
}
