import ECLMCore

extension ModuleAggregation {
    /// A weighted sum of updates and versions with noise, as a file with the base's header.
    package func sum(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)],
        onto base: AggregationBase, _ noise: ModuleNoise
    ) async throws -> [UInt8] {
        var (file, header) = try await base.header(in: blobs)
        guard readsWhole(updates.map(\.update.file.size) + versions.map(\.base.file.size)) else {
            try await sumStreams(updates, versions, onto: base, header, noise, to: &file)
            return file
        }
        var sums = try await BatchedSum(
            blobs: blobs, base: base, header: header, memory: blockMemory, cores: cores
        ).sums(of: registryTerms(updates, versions))
        try noise.add(to: &sums, header, on: cores)
        return MemorySum.file(
            of: sums, header, file, unlearned: try await unlearned(header, of: base), cores: cores)
    }
}
