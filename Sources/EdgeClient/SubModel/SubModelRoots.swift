import ECLMCore

/// The sub-model directories that use a cache's blobs, wherever they lie: what pruning must keep.
extension StateDirectory {
    /// A pulled sub-model and where it lies.
    public struct SubModel: Hashable, Sendable {
        /// The directory.
        public var path: String
        public var manifest: SubModelManifest
    }

    /// Notes that a directory holds a sub-model.
    func addRoot(_ directory: String) throws(EdgeError) {
        try FileSystem.createDirectory(rootsPath, mode: 0o700)
        let path = FileSystem.absolute(directory)
        let name = Digest.of(Array(path.utf8)).hex
        try FileSystem.replace("\(rootsPath)/\(name)", with: Array(path.utf8), mode: 0o600)
    }

    /// The sub-models that are still there, by path.
    ///
    /// A directory whose manifest is gone is forgotten; one whose manifest is damaged is an error, since forgetting it
    /// would let its blobs be pruned.
    /// - Throws: ``EdgeError``.
    public func subModels() throws(EdgeError) -> [SubModel] {
        var subModels: [SubModel] = []
        for name in try FileSystem.names(in: rootsPath) where name.utf8.count == 64 {
            let root = "\(rootsPath)/\(name)"
            let path = String(decoding: try FileSystem.contents(of: root, limit: 1 << 16), as: UTF8.self)
            guard FileSystem.entry("\(path)/\(SubModelManifest.fileName)") != nil else {
                try FileSystem.remove(root)
                continue
            }
            subModels.append(SubModel(path: path, manifest: try SubModelManifest(directory: path)))
        }
        return subModels.sorted { $0.path < $1.path }
    }

    /// The digests that sub-models use.
    func digestsInUse() throws(EdgeError) -> Set<Digest> {
        Set(try subModels().flatMap { $0.manifest.modules.map(\.digest) })
    }
}
