extension ExperimentResults {
    /// One row of the main table: one data set, split over devices in one way, with all methods run on it.
    public struct Row: Codable, Sendable, Hashable {
        /// The row's name, unique in its experiment: `images, 2 classes a device`.
        public var name: String
        /// The data set: `har`, `images` or `speech`.
        public var dataset: String
        /// How devices' data differ.
        public var skew: Skew
        /// The model: `conv net, 3 module layers of 16`.
        public var model: String
        /// How many devices there are.
        public var devices: Int
        /// The seeds, one run of each method each.
        public var seeds: [UInt64]
        /// The cloud's full model, which sizes and memory are compared with.
        public var fullModel: FullModel?
        /// What each method reached.
        public var methods: [MethodResult]

        public init(
            name: String, dataset: String, skew: Skew, model: String, devices: Int, seeds: [UInt64],
            fullModel: FullModel? = nil, methods: [MethodResult] = []
        ) {
            self.name = name
            self.dataset = dataset
            self.skew = skew
            self.model = model
            self.devices = devices
            self.seeds = seeds
            self.fullModel = fullModel
            self.methods = methods
        }
    }

    /// How devices' data differ from each other.
    public enum Skew: String, Codable, Sendable, Hashable {
        /// One user a device.
        case feature
        /// Some classes a device.
        case label
    }

    /// What the full model costs, measured like the sub-models.
    public struct FullModel: Codable, Sendable, Hashable {
        /// The bytes of its weights.
        public var bytes: Int
        public var parameters: Int
        /// The peak memory of a training step, in bytes.
        public var peakTrainingMemory: Int
        /// The time of one training batch.
        public var secondsPerBatch: Double

        public init(bytes: Int, parameters: Int, peakTrainingMemory: Int, secondsPerBatch: Double) {
            self.bytes = bytes
            self.parameters = parameters
            self.peakTrainingMemory = peakTrainingMemory
            self.secondsPerBatch = secondsPerBatch
        }
    }
}
