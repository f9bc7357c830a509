public import ECLMCore

/// A pulled sub-model: which module versions it is made of and where each lies. The file `submodel.json`.
public struct SubModelManifest: Hashable, Sendable, Codable {
    /// The file's name in a sub-model's directory.
    public static let fileName = "submodel.json"
    /// The largest manifest that is read, in bytes.
    static let maximumBytes: Int64 = 64 << 20

    /// The version of this file's form: 1.
    public var format: Int
    public var model: String
    /// The number of the release it was composed from; the base of updates.
    public var release: Int32
    /// The channel that pointed to the release, where one was asked for.
    public var channel: String?
    /// The device it was composed for, where one was named.
    public var deviceID: String?
    /// The budget the composition kept, after the class's figures filled the gaps.
    public var budget: Budget
    /// What the sub-model costs: peak memory, operations a sample, and what had to be fetched.
    public var totals: Budget
    /// The sum of the chosen modules' importances.
    public var objective: Double
    /// The optimality gap; 0 when the composition is proven optimal.
    public var gap: Double
    /// The modules, shared parts first, then layer by layer.
    public var modules: [Module]

    /// One module of a sub-model.
    public struct Module: Hashable, Sendable, Codable {
        /// The module's name.
        public var module: String
        /// The module's place.
        public var slot: ModuleSlot
        /// The version: what an update names as its base.
        public var version: Int32
        /// The registry's identifier of the version.
        public var moduleVersionID: ModuleVersionID
        /// The digest of its weights.
        public var digest: Digest
        /// The size of its weights file in bytes.
        public var bytes: Int64
        /// The importance the composition counted it with.
        public var importance: Double
        /// The weights, a path relative to the manifest.
        public var file: String
        /// What the weights file holds, in its order.
        public var tensors: [TensorDescription]

        public init(
            module: String, slot: ModuleSlot, version: Int32, moduleVersionID: ModuleVersionID, digest: Digest,
            bytes: Int64, importance: Double, file: String, tensors: [TensorDescription]
        ) {
            self.module = module
            self.slot = slot
            self.version = version
            self.moduleVersionID = moduleVersionID
            self.digest = digest
            self.bytes = bytes
            self.importance = importance
            self.file = file
            self.tensors = tensors
        }

        enum CodingKeys: String, CodingKey {
            case module, slot, version, digest, bytes, importance, file, tensors
            case moduleVersionID = "module_version_id"
        }
    }

    public init(
        model: String, release: Int32, channel: String? = nil, deviceID: String? = nil, budget: Budget, totals: Budget,
        objective: Double, gap: Double, modules: [Module]
    ) {
        format = 1
        self.model = model
        self.release = release
        self.channel = channel
        self.deviceID = deviceID
        self.budget = budget
        self.totals = totals
        self.objective = objective
        self.gap = gap
        self.modules = modules
    }

    enum CodingKeys: String, CodingKey {
        case format, model, release, channel, budget, totals, objective, gap, modules
        case deviceID = "device_id"
    }

    /// The module of a name.
    public subscript(module: String) -> Module? { modules.first { $0.module == module } }

    /// Reads the manifest of a sub-model's directory.
    ///
    /// - Throws: ``EdgeError`` with `invalidState` when there is none or it is not one.
    public init(directory: String) throws(EdgeError) {
        let path = "\(directory)/\(Self.fileName)"
        let bytes: [UInt8]
        do throws(EdgeError) {
            bytes = try FileSystem.contents(of: path, limit: Self.maximumBytes)
        } catch {
            guard error.code == .notFound else { throw error }
            throw EdgeError(
                .invalidState, "\(directory) holds no \(Self.fileName); pull a sub-model there first", cause: error)
        }
        do {
            self = try JSONReader().decode(of: path, from: bytes)
        } catch {
            throw EdgeError(.invalidState, "\(path) is no manifest of a sub-model: pull it again", cause: error)
        }
        guard format == 1 else {
            throw EdgeError(.invalidState, "\(path) has format \(format), this program reads 1: pull it again")
        }
        for module in modules where !Self.isFileName(module.file) {
            throw EdgeError(.invalidState, "\(path) names the file \(module.file.debugDescription): pull it again")
        }
    }

    /// Writes the manifest into a sub-model's directory, in one step.
    ///
    /// - Throws: ``EdgeError`` when the operating system refuses.
    public func write(to directory: String) throws(EdgeError) {
        try FileSystem.replace("\(directory)/\(Self.fileName)", with: try JSONFile.bytes(self), mode: 0o644)
    }

    /// The name of a module's weights file. Module names are safe in paths: `[a-z0-9][a-z0-9._-]*`.
    public static func fileName(of module: String) -> String { module + ".safetensors" }

    /// Whether a text from outside names a file in its own directory and nothing else.
    static func isFileName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255 && !text.hasPrefix(".") && !text.contains("/") && !text.contains("\0")
    }
}
