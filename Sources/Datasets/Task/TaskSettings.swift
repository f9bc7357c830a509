/// A data set that tasks can be made of; see docs/data.md.
public enum Dataset: String, Sendable, Codable, Hashable, CaseIterable {
    /// Human activity from a phone's accelerometer and gyroscope (UCI HAPT), 30 users.
    case har
    /// Grey pictures of clothes (Fashion-MNIST).
    case images
    /// Spoken digits as MFCCs (Free Spoken Digit Dataset).
    case speech
}

/// How devices' data differ.
public enum Skew: Sendable, Codable, Hashable {
    /// One user a device: the features differ.
    case user
    /// So many classes a device, in equal parts: the labels differ.
    case classes(Int)
    /// Shares of the classes from a symmetric Dirichlet distribution of this concentration: the smaller, the more the
    /// labels differ.
    case dirichlet(Double)
}

/// What a ``FederatedTask`` is made by; equal settings give equal tasks.
public struct TaskSettings: Sendable, Codable, Hashable {
    /// The data set.
    public var dataset: Dataset
    /// How devices' data differ: `user` for `har`, one of the others for `images` and `speech`.
    public var skew: Skew
    /// How many devices there are. `nil`: for `har` a device for every user who is not the proxy's, else as many as
    /// the data carries, at most ``defaultDevices``.
    public var devices: Int?
    /// How many training examples a device has, drawn evenly (50 to 150 in the paper). Under `user` skew a device has
    /// at most two thirds of its user's training windows, so that there are new ones for the continuous run.
    public var samples: ClosedRange<Int>
    /// The proxy's part of the training data, of users under `user` skew (0.3 in the paper).
    public var proxyShare: Double
    /// Of everything drawn.
    public var seed: UInt64
    /// The parts of the model's cost that devices can afford, repeated over the devices and then shuffled.
    public var budgetShares: [Double]
    /// The most examples the proxy has, validation included; `nil` for all.
    public var proxyLimit: Int?
    /// The most test examples a device has.
    public var testLimit: Int

    /// How many devices there are at most unless asked for more.
    public static let defaultDevices = 100

    public init(
        dataset: Dataset, skew: Skew, devices: Int? = nil, samples: ClosedRange<Int> = 50...150,
        proxyShare: Double = 0.3, seed: UInt64 = 1, budgetShares: [Double] = [0.2, 0.3, 0.5, 0.75, 1.0],
        proxyLimit: Int? = nil, testLimit: Int = 250
    ) {
        self.dataset = dataset
        self.skew = skew
        self.devices = devices
        self.samples = samples
        self.proxyShare = proxyShare
        self.seed = seed
        self.budgetShares = budgetShares
        self.proxyLimit = proxyLimit
        self.testLimit = testLimit
    }

    /// Checks what can be checked without the data.
    ///
    /// - Throws: ``DatasetError`` with `invalidSettings`.
    public func validate() throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            guard condition else { throw DatasetError(.invalidSettings, message()) }
        }
        switch (dataset, skew) {
        case (.har, .user), (.images, .classes), (.images, .dirichlet), (.speech, .classes), (.speech, .dirichlet):
            break
        case (.har, _):
            throw DatasetError(.invalidSettings, "har has one user a device; choose the skew user")
        default:
            throw DatasetError(
                .invalidSettings, "\(dataset.rawValue) tells no users apart; choose the skew classes or dirichlet")
        }
        switch skew {
        case .user: break
        case .classes(let count):
            try require(count >= 1, "a device cannot have \(count) classes; choose at least 1")
        case .dirichlet(let concentration):
            try require(
                concentration >= 0.01 && concentration <= 1000,
                "the concentration \(concentration) is not from 0.01 to 1000")
        }
        try require((devices ?? 1) >= 1 && (devices ?? 1) <= 10_000, "there can be 1 to 10000 devices")
        try require(
            samples.lowerBound >= 2 && samples.upperBound <= 10_000, "a device can have 2 to 10000 training examples")
        try require(proxyShare >= 0.05 && proxyShare <= 0.95, "the proxy share \(proxyShare) is not from 0.05 to 0.95")
        try require(
            !budgetShares.isEmpty && budgetShares.count <= 1000 && budgetShares.allSatisfy { $0 > 0 && $0 <= 1 },
            "budget shares are 1 to 1000 numbers above 0 and at most 1")
        try require((proxyLimit ?? 2) >= 2, "the proxy needs at least 2 examples")
        try require(testLimit >= 1 && testLimit <= 100_000, "a device can have 1 to 100000 test examples")
    }
}
