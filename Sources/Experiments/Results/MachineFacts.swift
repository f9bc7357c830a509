/// What measured times and memory depend on.
public struct MachineFacts: Codable, Sendable, Hashable {
    /// The processor cores that were there.
    public var cores: Int
    /// libtorch's version, as it tells it: `1.13.1`.
    public var libtorch: String
    /// The threads that libtorch computed one device with.
    public var threads: Int

    public init(cores: Int, libtorch: String, threads: Int = 1) {
        self.cores = cores
        self.libtorch = libtorch
        self.threads = threads
    }
}
