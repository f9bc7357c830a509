import Core
import Registry

/// An update's file of one module, and what it means.
struct UpdateFile: Sendable {
    var file: ModuleFile
    var encoding: UpdateEncoding = .full
    /// The version that a difference is told to; of no use for `full`.
    var base: AggregationBase?

    /// Why a file is no update.
    struct Refusal: Error {
        var reason: String
    }

    /// Reads the whole file: its digest, its header and every value.
    ///
    /// - Parameter current: The version that updates are folded onto.
    /// - Throws: ``Refusal`` for what the update is at fault for; else what keeps from telling.
    func check(against current: AggregationBase, in blobs: any BlobReader) async throws {
        let module = current.module
        if encoding.isDifference {
            guard let base else { throw Refusal(reason: "module \(module): a difference needs its base version") }
            do {
                try TensorMatch.check(base.tensors, against: current.tensors, owner: base.label)
            } catch {
                throw Refusal(
                    reason: "module \(module): it is a difference to other tensors than the current version's: "
                        + error.message)
            }
        }
        var stream = TensorStream(byteCount: file.size)
        var values: UpdateValueCheck?
        func match(_ header: SafetensorsHeader) throws -> UpdateValueCheck {
            try TensorMatch.check(header.tensors, as: encoding, against: current.tensors, owner: module)
            return UpdateValueCheck(
                layout: try UpdateLayout(of: header.tensors, as: encoding, onto: current.tensors))
        }
        do {
            for try await chunk in blobs.chunks(of: file.digest) {
                try stream.consume(chunk) { header, tensor, first, bytes in
                    if values == nil { values = try match(header) }
                    try values?.consume(bytes, of: header.entries[tensor].description, from: first)
                }
            }
            try stream.finish()
            if values == nil, let header = stream.header { values = try match(header) }
            try values?.finish()
        } catch let error as UpdateError {
            throw Refusal(reason: "module \(module): \(error.message)")
        } catch let error as SafetensorsError {
            throw Refusal(reason: "module \(module): its weights are no acceptable file: \(error.message)")
        } catch let error as RegistryError where [.invalidArgument, .notFound, .dataLoss].contains(error.code) {
            throw Refusal(reason: "module \(module): \(error.message)")
        }
    }
}
