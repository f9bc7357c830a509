package import ECLMCore

/// An update's file of one module, and what it means.
package struct UpdateFile: Sendable {
    package var file: ModuleFile
    package var encoding: UpdateEncoding
    /// The version that a difference is told to; of no use for `full`.
    package var base: AggregationBase?

    package init(file: ModuleFile, encoding: UpdateEncoding = .full, base: AggregationBase? = nil) {
        self.file = file
        self.encoding = encoding
        self.base = base
    }

    /// What is wrong with an update: with what the device sent, and nothing else.
    ///
    /// Only bytes whose digest is the device's can be at fault. Bytes that are missing, changed or out of reach are the
    /// trouble of whoever keeps them, and any error but this one is such trouble.
    package struct Refusal: Error {
        package var reason: String

        package init(reason: String) { self.reason = reason }
    }

    /// Reads the whole file: its digest, its header and every value.
    ///
    /// What the bytes hold counts only once all were read and have their digest: what looks like an unfit weight may be a
    /// damaged disk.
    /// - Parameter current: The version that updates are folded onto.
    /// - Throws: ``Refusal`` for what the update is at fault for; else what keeps from telling.
    package func check(against current: AggregationBase, in blobs: any BlobSource) async throws {
        try checkBase(against: current)
        var stream = TensorStream(byteCount: file.size)
        var values: UpdateValueCheck?
        var fault: (any Error)?
        try await blobs.forEachChunk(of: file.digest) { chunk in
            guard fault == nil else { return }
            do {
                try stream.consume(chunk) { header, tensor, first, bytes in
                    if values == nil { values = try valueCheck(header, against: current) }
                    try values?.consume(bytes, of: header.entries[tensor].description, from: first)
                }
            } catch {
                fault = error
            }
        }
        do {
            if let fault { throw fault }
            try stream.finish()
            if values == nil, let header = stream.header { values = try valueCheck(header, against: current) }
            try values?.finish()
        } catch {
            throw Self.refusal(error, current.module)
        }
    }

    /// Checks the header and every value of a file in memory.
    ///
    /// - Throws: As ``check(against:in:)``.
    func check(_ contents: [UInt8], against current: AggregationBase) throws {
        try checkBase(against: current)
        do {
            let header = try SafetensorsHeader(prefix: contents, fileByteCount: contents.count, limits: .module)
            var values = try valueCheck(header, against: current)
            try contents.withUnsafeBytes { bytes in
                for entry in header.entries {
                    try values.consume(
                        UnsafeRawBufferPointer(rebasing: bytes[entry.byteRange]), of: entry.description, from: 0)
                }
            }
            try values.finish()
        } catch {
            throw Self.refusal(error, current.module)
        }
    }

    /// Checks that a difference is told to a version of the same tensors.
    ///
    /// - Throws: ``Refusal``.
    func checkBase(against current: AggregationBase) throws {
        guard encoding.isDifference else { return }
        guard let base else { throw Refusal(reason: "module \(current.module): a difference needs its base version") }
        do {
            try TensorMatch.check(base.tensors, against: current.tensors, owner: base.label)
        } catch {
            throw Refusal(
                reason: "module \(current.module): it is a difference to other tensors than the current version's: "
                    + error.message)
        }
    }

    private func valueCheck(
        _ header: SafetensorsHeader, against current: AggregationBase
    ) throws -> UpdateValueCheck {
        try TensorMatch.check(header.tensors, as: encoding, against: current.tensors, owner: current.module)
        return UpdateValueCheck(layout: try UpdateLayout(of: header.tensors, as: encoding, onto: current.tensors))
    }

    /// An error of looking at verified bytes as a refusal, where it is of what they hold.
    static func refusal(_ error: any Error, _ module: String) -> any Error {
        switch error {
        case let error as UpdateError: Refusal(reason: "module \(module): \(error.message)")
        case let error as SafetensorsError:
            Refusal(reason: "module \(module): its weights are no acceptable file: \(error.message)")
        default: error
        }
    }
}
