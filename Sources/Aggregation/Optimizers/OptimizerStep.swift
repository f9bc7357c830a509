import ECLMCore

/// Takes a module one step from its version toward a round's aggregate, block by block of coordinates.
package struct OptimizerStep {
    /// What came of it: safetensors files.
    package struct Outcome: Sendable {
        package var file: [UInt8]
        package var memory: [UInt8]
        /// What the memory is called.
        package var state: OptimizerState
    }

    let blobs: any BlobSource
    let optimizer: any ServerOptimizer

    package init(blobs: any BlobSource, optimizer: any ServerOptimizer) {
        self.blobs = blobs
        self.optimizer = optimizer
    }

    /// Coordinates that are read at once.
    private static let block = 1 << 16
    /// Beyond those of a module's file: two tensors, in perhaps twice the bytes, for each of the module's.
    private static let limits = SafetensorsLimits.checkpoint

    /// The next version and what to remember with it.
    ///
    /// - Parameters:
    ///   - aggregate: What the rule made, with the base's header; its values are rounded to the base's dtypes.
    ///   - state: What was left with the base. What another optimizer left is of no use: this one begins then.
    /// - Throws: ``AggregationError`` with `unfitVersion` for stored bytes that cannot be used: no update is at fault for
    ///   anything here.
    package func move(_ base: AggregationBase, toward aggregate: [UInt8], from state: OptimizerState?) async throws
        -> Outcome
    {
        let (headerBytes, header) = try await base.header(in: blobs)
        var file = headerBytes
        file.reserveCapacity(aggregate.count)
        var versions = BlobWindow(base.file, in: blobs, stretch: Reading.stretch)
        let state = state.flatMap { $0.optimizer == optimizer.name ? $0 : nil }
        var memory = try await memory(of: base, header, state)
        var builder = SafetensorsBuilder(metadata: ["optimizer": optimizer.name], limits: Self.limits)
        for entry in header.entries {
            let (tensor, range) = (entry.description, entry.byteRange)
            guard tensor.dtype.isFloatingPoint else {
                file += aggregate[range]
                continue
            }
            let total = tensor.elementCount ?? 0
            let size = tensor.dtype.byteCount
            let described = optimizer.moments.map { OptimizerState.tensor($0.name, of: tensor) }
            var written = described.map { _ in [UInt8]() }
            var first = 0
            while first < total {
                let length = min(Self.block, total - first)
                let start = range.lowerBound + first * size
                let current: [Double]
                do {
                    current = Self.values(
                        try await versions.read(start..<(start + length * size)), tensor.dtype, count: length)
                } catch {
                    throw base.unfit(error)
                }
                var values = Self.values(aggregate[start..<(start + length * size)], tensor.dtype, count: length)
                var moments = try await memory.read(described, from: first, count: length)
                optimizer.step(current, &values, &moments)
                values.withUnsafeBufferPointer { tensor.dtype.append($0, to: &file) }
                for number in moments.indices {
                    moments[number].withUnsafeBufferPointer { described[number].dtype.append($0, to: &written[number]) }
                }
                first += length
            }
            try Self.add(written, as: described, to: &builder, base)
        }
        let written = try Self.build(builder, base)
        return Outcome(
            file: file, memory: written,
            state: OptimizerState(
                optimizer: optimizer.name, step: (state?.step ?? 0) + 1,
                file: ModuleFile(digest: Digest.of(written), size: Int64(written.count))))
    }

    // Not inlined: Swift 6.3 crashes on a typed error within an asynchronous function, when it optimises.
    @inline(never)
    private static func add(
        _ written: [[UInt8]], as tensors: [TensorDescription], to builder: inout SafetensorsBuilder,
        _ base: AggregationBase
    ) throws {
        do {
            for (tensor, bytes) in zip(tensors, written) { try builder.add(tensor, bytes: bytes) }
        } catch {
            throw unfit(base, error)
        }
    }

    @inline(never)
    private static func build(_ builder: SafetensorsBuilder, _ base: AggregationBase) throws -> [UInt8] {
        do {
            return try builder.build()
        } catch {
            throw unfit(base, error)
        }
    }

    /// Verifies the state that is gone on from.
    private func memory(
        of base: AggregationBase, _ header: SafetensorsHeader, _ state: OptimizerState?
    ) async throws -> Memory {
        guard let state else { return Memory(base: base, moments: optimizer.moments, stored: nil) }
        do {
            let (_, found) = try await state.file.header(in: blobs, limits: Self.limits)
            let wanted = header.tensors.filter(\.dtype.isFloatingPoint).flatMap { tensor in
                optimizer.moments.map { OptimizerState.tensor($0.name, of: tensor) }
            }
            guard Set(found.tensors) == Set(wanted) else {
                throw SafetensorsError(.invalidWrite, "it has other tensors than the version")
            }
            try await verify(state.file.digest)
            let windows = optimizer.moments.map { _ in
                BlobWindow(state.file, in: blobs, stretch: Reading.stretch)
            }
            return Memory(base: base, moments: optimizer.moments, stored: (found, windows))
        } catch {
            throw Self.unfit(base, error)
        }
    }

    /// Reads the whole blob, which has the digest then: later it is read by ranges.
    private func verify(_ digest: Digest) async throws {
        try await blobs.forEachChunk(of: digest) { _ in }
    }

    /// What is remembered, read moment by moment.
    private struct Memory {
        let base: AggregationBase
        let moments: [Moment]
        var stored: (header: SafetensorsHeader, windows: [BlobWindow])?

        mutating func read(_ tensors: [TensorDescription], from first: Int, count: Int) async throws -> [[Double]] {
            guard let header = stored?.header else {
                return moments.map { [Double](repeating: $0.start, count: count) }
            }
            var values: [[Double]] = []
            for (number, tensor) in tensors.enumerated() {
                let size = tensor.dtype.byteCount
                let start = (header[tensor.name]?.byteRange.lowerBound ?? 0) + first * size
                do {
                    let bytes = try await stored?.windows[number].read(start..<(start + count * size)) ?? []
                    values.append(OptimizerStep.values(bytes, tensor.dtype, count: count))
                } catch {
                    throw OptimizerStep.unfit(base, error)
                }
            }
            return values
        }
    }

    private static func values(_ bytes: ArraySlice<UInt8>, _ dtype: ElementType, count: Int) -> [Double] {
        var values = [Double](repeating: 0, count: count)
        bytes.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { dtype.decode(bytes, into: $0) }
        }
        return values
    }

    /// An error of what the optimizer remembers: of stored bytes, or of a module beyond the limits.
    package static func unfit(_ base: AggregationBase, _ error: any Error) -> any Error {
        guard let reason = AggregationError.reason(of: error) else { return error }
        return AggregationError(
            .unfitVersion,
            "what the optimizer remembers of \(base.label) cannot be used: \(reason); restore it, or set a policy with "
                + "another optimizer", cause: error)
    }
}
