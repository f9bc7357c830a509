public import ECLMCore

/// How a class of device differs from the machine that a model is published from: what turns analytic costs into those
/// measured on the class. Written as JSON by whoever benchmarked one device of the class.
public struct DeviceClassProfile: Codable, Hashable, Sendable {
    /// The name of the class in the registry.
    public var deviceClass: String
    /// Bytes that the class's runtime needs for each byte that training needs here.
    public var memoryFactor: Double
    /// Bytes that its runtime needs for each module beyond that.
    public var memoryPerModule: Int64
    /// Operations a second that the class's budgets are counted in, such as those of its products of matrices.
    public var operationsPerSecond: Double
    /// Operations a second of single operators (`conv2d`, `group_norm`, …); others run at ``operationsPerSecond``.
    public var operators: [String: Double]

    public init(
        deviceClass: String, memoryFactor: Double = 1, memoryPerModule: Int64 = 0, operationsPerSecond: Double,
        operators: [String: Double] = [:]
    ) {
        self.deviceClass = deviceClass
        self.memoryFactor = memoryFactor
        self.memoryPerModule = memoryPerModule
        self.operationsPerSecond = operationsPerSecond
        self.operators = operators
    }

    enum CodingKeys: String, CodingKey {
        case operators
        case deviceClass = "device_class"
        case memoryFactor = "memory_factor"
        case memoryPerModule = "memory_per_module"
        case operationsPerSecond = "operations_per_second"
    }

    /// Reads a profile; what it leaves out has the initialiser's defaults.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            deviceClass: try values.decode(String.self, forKey: .deviceClass),
            memoryFactor: try values.decodeIfPresent(Double.self, forKey: .memoryFactor) ?? 1,
            memoryPerModule: try values.decodeIfPresent(Int64.self, forKey: .memoryPerModule) ?? 0,
            operationsPerSecond: try values.decode(Double.self, forKey: .operationsPerSecond),
            operators: try values.decodeIfPresent([String: Double].self, forKey: .operators) ?? [:])
    }

    /// A checked profile from a JSON document.
    ///
    /// - Throws: ``LearningError`` with `specification` for what is no such document, or has figures that cannot be.
    public static func parse(_ json: some Collection<UInt8>) throws -> DeviceClassProfile {
        let profile: DeviceClassProfile
        do throws(JSONError) {
            profile = try JSONReader().decode(of: "the class profile", from: json)
        } catch {
            throw LearningError(
                .specification,
                "\(error.message); write {\"device_class\": \"pi4\", \"operations_per_second\": 4e9, …}", cause: error)
        }
        let rates = [profile.operationsPerSecond] + profile.operators.values
        guard rates.allSatisfy({ $0.isFinite && $0 >= 1 }), profile.memoryFactor.isFinite,
            (0.01...1000).contains(profile.memoryFactor), (0...(1 << 40)).contains(profile.memoryPerModule)
        else {
            throw LearningError(
                .specification,
                "the profile of \(profile.deviceClass) has a rate below 1, or memory figures that cannot be")
        }
        return profile
    }

    /// A module's costs on the class.
    public struct Costs: Hashable, Sendable {
        /// Peak memory in bytes.
        public var memory: Int64
        /// Operations at ``operationsPerSecond`` that take as long.
        public var flops: Int64
        /// Microseconds for one example.
        public var latencyMicroseconds: Int64
    }

    /// The costs of every module on the class.
    ///
    /// - Parameter costs: The analytic ones, of ``ModuleCostMeasurement``.
    public func costs(
        of costs: [ModuleSlot: ModuleCosts], in specification: NetworkSpecification
    ) throws -> [ModuleSlot: Costs] {
        let operations = try NetworkOperations(specification)
        return Dictionary(
            uniqueKeysWithValues: costs.map { slot, analytic in
                // In order: sums in another one differ in their last digit, and rounding up makes that a whole.
                let counts = operations.counts(of: slot).sorted { $0.key < $1.key }
                let seconds = counts.reduce(0.0) {
                    $0 + Double($1.value) / (operators[$1.key] ?? operationsPerSecond)
                }
                func whole(_ value: Double) -> Int64 { Int64(min(value.rounded(.up), 9e18)) }
                return (
                    slot,
                    Costs(
                        memory: whole(Double(analytic.peakMemory) * memoryFactor) + memoryPerModule,
                        flops: whole(seconds * operationsPerSecond), latencyMicroseconds: whole(seconds * 1e6))
                )
            })
    }
}
