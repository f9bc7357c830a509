import ECLMCore

/// The weighted sum of blobs in the registry, each read once: as many whole files at a time as the memory holds, a few
/// of them being read at once, summed over all cores.
///
/// The bits are those of a sum in one stream, since every coordinate is summed in the order of the terms.
struct BatchedSum {
    let blobs: any BlobSource
    let base: AggregationBase
    let header: SafetensorsHeader
    /// Bytes that files may take at a time.
    let memory: Int
    let cores: Int

    /// An update or a version.
    struct Term: Sendable {
        /// 0 for a file that is only looked at; below 0 for a version that is subtracted.
        var weight: Double
        var update: UpdateFile
        /// The version, where it is one.
        var version: AggregationBase?
        /// Whether digest, header and values are looked at, as ``UpdateFile/check(against:in:)`` does.
        var isChecked: Bool
    }

    /// Files that are read at once: while one waits for the database another is hashed.
    private static let readers = 3
    /// Bytes that are asked for at once: several chunks of the storage, since every question is a wait.
    private static let largestRead: Int64 = 4 << 20

    /// The sum, as a file of the base's layout.
    ///
    /// - Throws: ``UpdateFile/Refusal`` for a file that is checked and unfit.
    func file(_ headerBytes: [UInt8], of terms: [Term], unlearned: [Unlearned]) async throws -> [UInt8] {
        let batches = batches(of: terms)
        if batches.count == 1 { return try await sum(of: batches[0]).file(headerBytes, unlearned: unlearned) }
        return MemorySum.file(
            of: try await sums(of: terms), header, headerBytes, unlearned: unlearned, cores: cores)
    }

    /// The sums themselves, one for each coordinate of the learned tensors in their order.
    ///
    /// - Throws: As ``file(_:of:unlearned:)``.
    func sums(of terms: [Term]) async throws -> [Double] {
        var sums = [Double](repeating: -0.0, count: MemorySum.coordinates(header))
        for batch in batches(of: terms) { try await sum(of: batch).add(to: &sums) }
        return sums
    }

    private func batches(of terms: [Term]) -> [ArraySlice<Term>] {
        var batches: [ArraySlice<Term>] = []
        var (start, bytes) = (0, 0)
        for (number, term) in terms.enumerated() {
            let size = Int(clamping: term.update.file.size)
            if number > start, bytes + size > memory {
                batches.append(terms[start..<number])
                (start, bytes) = (number, 0)
            }
            bytes += size
        }
        batches.append(terms[start...])
        return batches
    }

    private func sum(of terms: ArraySlice<Term>) async throws -> MemorySum {
        let files = try await read(terms)
        var sum = MemorySum(header: header, cores: cores)
        for term in terms.indices where terms[term].weight != 0 {
            let bytes = files[term] ?? []
            let (update, weight) = (terms[term].update, terms[term].weight)
            do {
                let found = try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count, limits: .module)
                try TensorMatch.check(found.tensors, as: update.encoding, against: base.tensors, owner: base.module)
                if update.encoding.isDifference {
                    let layout = try UpdateLayout(of: found.tensors, as: update.encoding, onto: base.tensors)
                    try sum.add(bytes, weight: weight, found, layout: layout)
                } else {
                    sum.add(bytes, weight: weight, found)
                }
            } catch {
                throw terms[term].version?.unfit(error) ?? error
            }
        }
        return sum
    }

    /// The files by the numbers of their terms.
    private func read(_ terms: ArraySlice<Term>) async throws -> [Int: [UInt8]] {
        try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
            var files: [Int: [UInt8]] = [:]
            for term in terms.indices {
                if term >= terms.startIndex + Self.readers, let (number, bytes) = try await group.next() {
                    files[number] = bytes
                }
                group.addTask { (term, try await read(terms[term])) }
            }
            while let (number, bytes) = try await group.next() { files[number] = bytes }
            return files
        }
    }

    /// A whole file, its digest compared.
    private func read(_ term: Term) async throws -> [UInt8] {
        let file = term.update.file
        do {
            if term.isChecked { try term.update.checkBase(against: base) }
            let bytes = try await read(file)
            let found = Digest.of(bytes)
            guard found == file.digest else { throw AggregationError.mismatch(of: file.digest, found: found) }
            if term.isChecked { try term.update.check(bytes, against: base) }
            return bytes
        } catch {
            throw term.version?.unfit(error) ?? error
        }
    }

    private func read(_ file: ModuleFile) async throws -> [UInt8] {
        if file.size <= Self.largestRead { return try await blobs.bytes(of: file.digest, in: 0..<file.size) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(clamping: file.size))
        while Int64(bytes.count) < file.size {
            let end = min(Int64(bytes.count) + Self.largestRead, file.size)
            bytes += try await blobs.bytes(of: file.digest, in: Int64(bytes.count)..<end)
        }
        return bytes
    }
}
