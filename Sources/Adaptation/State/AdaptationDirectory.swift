import ECLMCore
import EdgeClient
import Foundation

/// What a device keeps of its adaptations of one model, in its state directory:
///
/// ```
/// adaptations/MODEL/lock           held by whoever adapts
/// adaptations/MODEL/job.json       the adaptation under way; see ``AdaptationJob``
/// adaptations/MODEL/base/          the sub-model it trains, as pulled
/// adaptations/MODEL/trained/       its weights after training
/// adaptations/MODEL/models/ID/     what the device runs; see ``AdaptedModel``
/// adaptations/MODEL/current        that model's ID
/// adaptations/MODEL/active.json    the subset of it that is in use
/// ```
struct AdaptationDirectory: Sendable {
    let path: String

    init(_ state: StateDirectory, model: String) throws {
        if let refusal = NameRule.model.refusal(of: model) { throw EdgeError(.refused, refusal) }
        path = "\(state.path)/adaptations/\(model)"
        try FileSystem.createDirectory(path, mode: 0o700)
    }

    var base: String { path + "/base" }
    var trained: String { path + "/trained" }
    var activeFile: String { path + "/active.json" }
    private var jobFile: String { path + "/job.json" }
    private var currentFile: String { path + "/current" }
    private var models: String { path + "/models" }

    /// Runs `body` while no other process or task adapts this model here.
    func whileAdapting<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await FileLock.withLock(path + "/lock", body)
    }

    /// The adaptation under way; `nil` when there is none. A damaged file is none: the work is done again.
    func job() throws -> AdaptationJob? {
        guard let bytes = try contents(jobFile, limit: 64 << 20) else { return nil }
        return try? JSONReader().decode(AdaptationJob.self, of: jobFile, from: bytes)
    }

    func save(_ job: AdaptationJob) throws {
        try FileSystem.replace(jobFile, with: JSONFile.bytes(job), mode: 0o600)
    }

    func removeJob() throws {
        try FileSystem.remove(jobFile)
        try removeFlat(trained)
    }

    /// Makes an empty folder for trained weights.
    func clearTrained() throws {
        try removeFlat(trained)
        try FileSystem.createDirectory(trained, mode: 0o700)
    }

    /// The folder of the model that the device runs; `nil` before the first adaptation.
    func current() throws -> String? {
        guard let bytes = try contents(currentFile, limit: 256) else { return nil }
        let id = String(decoding: bytes, as: UTF8.self)
        guard NameRule.model.allows(id) else {
            throw EdgeError(.invalidState, "\(currentFile) is damaged; adapt again")
        }
        return "\(models)/\(id)"
    }

    /// Makes a model the one the device runs, in one step, and removes the others.
    ///
    /// - Parameter files: The files of the model's folder by name; each is linked or copied from where it lies.
    func install(_ id: String, files: [String: String], model: AdaptedModel) throws {
        let folder = "\(models)/\(id)"
        try removeFlat(folder)
        try FileSystem.createDirectory(folder, mode: 0o700)
        for (name, source) in files { try FileSystem.linkOrCopy(source, to: "\(folder)/\(name)") }
        try FileSystem.replace("\(folder)/\(AdaptedModel.fileName)", with: JSONFile.bytes(model), mode: 0o600)
        try FileSystem.replace(currentFile, with: Array(id.utf8), mode: 0o600)
        try FileSystem.remove(activeFile)
        for other in try FileSystem.names(in: models) where other != id { try removeFlat("\(models)/\(other)") }
    }

    private func contents(_ path: String, limit: Int64) throws -> [UInt8]? {
        do {
            return try FileSystem.contents(of: path, limit: limit)
        } catch let error where error.code == .notFound {
            return nil
        }
    }

    private func removeFlat(_ folder: String) throws {
        for name in try FileSystem.names(in: folder) { try FileSystem.remove("\(folder)/\(name)") }
        if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    }
}
