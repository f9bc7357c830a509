import Core
import Registry

/// Looks at everything an update brings before any of it is mixed with others: an update counts as a whole or not at all.
struct UpdateValidation {
    /// Why an update is refused.
    struct Refusal: Error {
        var reason: String
    }

    /// The longest reason written to the database, in characters.
    static let maximumReason = 1000

    let registry: Registry
    /// The versions that the round starts from.
    let versions: [ModuleID: ModuleVersionRecord]

    /// Why the update must be quarantined; `nil` when it counts.
    ///
    /// - Throws: What keeps the trainer from telling, such as a lost database; never what the update is at fault for.
    func refusal(of update: ClaimedUpdate) async throws -> String? {
        do {
            try checkBase(of: update)
            for module in update.modules { try await check(module) }
            return nil
        } catch let refusal as Refusal {
            return String(refusal.reason.prefix(Self.maximumReason))
        }
    }

    private func checkBase(of update: ClaimedUpdate) throws(Refusal) {
        guard !update.baseWithdrawn else {
            throw Refusal(reason: "base release \(update.baseRelease) was rolled back")
        }
        guard !update.modules.isEmpty else { throw Refusal(reason: "it brings no module") }
        for module in update.modules {
            guard !module.baseWithdrawn else {
                throw Refusal(reason: "base version \(module.baseVersion) of \(module.name) was rolled back")
            }
            guard UpdateSubmission.encodings.contains(module.encoding) else {
                throw Refusal(
                    reason: "module \(module.name): encoding \(module.encoding) is not known to this trainer")
            }
            guard module.importance.isFinite, module.importance >= 0 else {
                throw Refusal(
                    reason: "module \(module.name): importance \(module.importance) is no finite number of at least 0")
            }
            guard module.sampleCount > 0 else {
                throw Refusal(reason: "module \(module.name): sample count \(module.sampleCount) is below 1")
            }
        }
    }

    /// Reads the whole blob: its digest, header and every value.
    private func check(_ module: ClaimedUpdate.Module) async throws {
        guard let version = versions[module.moduleID] else {
            throw Refusal(reason: "module \(module.name) is in no release any more")
        }
        guard let size = module.size else {
            throw Refusal(reason: "module \(module.name): blob \(module.digest) is not stored")
        }
        var stream = TensorStream(byteCount: size)
        var matched = false
        do {
            for try await chunk in registry.blobs.chunks(of: module.digest) {
                try stream.consume(chunk) { header, tensor, first, bytes in
                    if !matched {
                        try TensorMatch.check(header.tensors, against: version.tensors, owner: module.name)
                        matched = true
                    }
                    let description = header.entries[tensor].description
                    guard let element = description.dtype.firstNonFinite(in: bytes) else { return }
                    let kind = Self.isNaN(element, description.dtype, bytes) ? "NaN" : "infinity"
                    throw Refusal(
                        reason: "module \(module.name): tensor \(description.name) holds \(kind) at element "
                            + "\(first + element)")
                }
            }
            try stream.finish()
            if !matched, let header = stream.header {
                try TensorMatch.check(header.tensors, against: version.tensors, owner: module.name)
            }
        } catch let error as SafetensorsError {
            throw Refusal(reason: "module \(module.name): its weights are no acceptable file: \(error.message)")
        } catch let error as RegistryError where [.invalidArgument, .notFound, .dataLoss].contains(error.code) {
            throw Refusal(reason: "module \(module.name): \(error.message)")
        }
    }

    private static func isNaN(_ element: Int, _ dtype: ElementType, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let size = dtype.byteCount
        let value = UnsafeRawBufferPointer(rebasing: bytes[(element * size)..<((element + 1) * size)])
        if dtype == .f64 { return value.loadUnaligned(as: Double.self).isNaN }
        var float: Float = 0
        withUnsafeMutablePointer(to: &float) {
            dtype.decode(value, into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        return float.isNaN
    }
}
