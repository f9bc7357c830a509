package import ECLMCore

/// A version's weights: what updates are folded onto, or what they tell their differences to.
package struct AggregationBase: Sendable {
    /// The module's name.
    package var module: String
    package var kind: ModuleKind
    package var file: ModuleFile
    /// What the file holds.
    package var tensors: [TensorDescription]
    /// Which version of what, for messages.
    package var label: String

    package init(
        module: String, kind: ModuleKind, file: ModuleFile, tensors: [TensorDescription], label: String
    ) {
        self.module = module
        self.kind = kind
        self.file = file
        self.tensors = tensors
        self.label = label
    }

    /// Reads the header.
    ///
    /// - Throws: ``AggregationError`` with `unfitVersion` where the stored bytes are not the version's.
    package func header(in blobs: any BlobSource) async throws -> ([UInt8], SafetensorsHeader) {
        do {
            let (bytes, header) = try await file.header(in: blobs)
            try TensorMatch.check(header.tensors, against: tensors, owner: module)
            return (bytes, header)
        } catch {
            throw unfit(error)
        }
    }

    /// Reads the whole file, so that ranges of it can be read afterwards without comparing digests.
    ///
    /// - Throws: As ``header(in:)``.
    package func verify(in blobs: any BlobSource) async throws {
        do {
            try await blobs.forEachChunk(of: file.digest) { _ in }
        } catch {
            throw unfit(error)
        }
    }

    /// An error of reading the version's own blob: no update is at fault for it.
    func unfit(_ error: any Error) -> any Error {
        guard let reason = AggregationError.reason(of: error) else { return error }
        return AggregationError(
            .unfitVersion,
            "the stored bytes of \(label) cannot be used: \(reason); restore them, or roll the module back",
            cause: error)
    }
}

extension AggregationError {
    /// What is wrong with stored bytes, where an error is of them.
    static func reason(of error: any Error) -> String? {
        switch error {
        case let error as SafetensorsError: error.message
        case let error as UpdateError: error.message
        case let error as any StoredBytesError where error.isDamage: error.message
        default: nil
        }
    }
}
